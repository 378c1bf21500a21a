//! Requests for an email by callers who are not signed in: rate-limited, with a response and timing that do not reveal whether the
//! account exists.

use std::{sync::Arc, time::Duration};

use access::{Reach, Tenant, TenantStatus};
use db::Actor;
use events::{Event, UnitOfWork};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Accepted, Email, RequestInfo, Slug, problem::Result};

use super::one_time_link::{self, Link, SentLink};
use crate::{
    App,
    http::{
        sessions::cookie,
        tenant::{NIL_TENANT, find_tenant, throttle_key},
    },
    store::{
        accounts::{self, Account},
        one_time_tokens, users,
    },
};

web::body! {
    /// The account that an email is requested for.
    pub struct AskForMail {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        pub tenant: Option<Slug>,
        /// Email address.
        pub email: Email,
    }
    example { "tenant": "demo", "email": "manager@demo.example" }
}

/// Confirms the request. The response is the same whether or not the account exists.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckMail)]
pub(crate) struct MailAccepted {
    /// Always `check_mail`.
    #[schema(example = "check_mail")]
    status: &'static str,
}

impl MailAccepted {
    /// The response `202`, whether or not an email is sent.
    pub(crate) fn answer() -> Accepted<Self> {
        Accepted(Self {
            status: "check_mail",
        })
    }
}

/// Delays the response to a multiple of the step, so that its timing reveals nothing about the address.
pub(crate) async fn constant_time_response<T>(
    app: &App,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let began = tokio::time::Instant::now();
    let done = work.await;
    let answer_after = round_up_to_step(began.elapsed(), app.settings.mail_response_step);
    tokio::time::sleep_until(began + answer_after).await;
    done
}

/// The next multiple of `step`. Steps, rather than a fixed time, keep the timing uninformative even under load.
fn round_up_to_step(took: Duration, step: Duration) -> Duration {
    let steps = took.as_nanos().div_ceil(step.as_nanos().max(1)).max(1);
    step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// Finds the tenant and counts the request against the limit, whether or not the tenant or account exists. `None` for unknown and
/// closed tenants.
pub(crate) async fn check_mail_request(
    app: &App,
    request: &RequestInfo,
    headers: &HeaderMap,
    slug: Option<&Slug>,
    email: &Email,
) -> Result<Option<Arc<Tenant>>> {
    let tenant = find_tenant(app, headers, slug).await?;
    cookie::check_page(&app.state, headers, tenant.as_ref().map(|tenant| tenant.id)).await?;
    let throttle_key = throttle_key(tenant.as_deref(), slug);
    let now = app.state.clock().now();
    app.mail_throttle
        .consume(&throttle_key, email.as_str(), request.address(), now)
        .await?;
    Ok(tenant.filter(|tenant| tenant.status != TenantStatus::Closed))
}

/// Sends a link to the account with this address if `wanted` accepts it, and voids open links for the same purpose. Unknown
/// addresses cost a look-up too.
pub(crate) async fn send_link_to_account<E: Event>(
    app: &App,
    request: &RequestInfo,
    tenant: Option<&Tenant>,
    email: &Email,
    wanted: impl FnOnce(&Account) -> bool,
    link: Link<'_>,
    event: impl FnOnce(SentLink) -> E,
) -> Result<()> {
    let id = tenant.map_or(NIL_TENANT, |tenant| tenant.id);
    let mut unit = UnitOfWork::begin_anonymous(app, request, id, Actor::EXTERNAL).await?;
    let account = accounts::find_account(&mut unit, email.as_str()).await?;
    if let Some(account) = account.filter(wanted) {
        // Serialises concurrent requests, so that only the latest link is valid.
        users::lock_user(&mut unit, Reach::All, account.id).await?;
        one_time_tokens::void_tokens_for(&mut unit, account.id, link.purpose).await?;
        one_time_link::send_link(app, &mut unit, account.id, account.version, link, event).await?;
    }
    unit.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_delayed_to_the_next_step() {
        let after =
            |took| round_up_to_step(Duration::from_millis(took), Duration::from_millis(250));
        for (took, answered) in [(0, 250), (31, 250), (250, 250), (251, 500), (990, 1_000)] {
            assert_eq!(after(took), Duration::from_millis(answered), "{took}");
        }
        assert_eq!(
            round_up_to_step(Duration::from_millis(5), Duration::ZERO),
            Duration::ZERO
        );
    }
}
