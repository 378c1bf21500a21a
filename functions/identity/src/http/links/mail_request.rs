//! Asking for a mail without being signed in: one answer for all, at one time, and not too often.

use std::{sync::Arc, time::Duration};

use access::{Tenant, TenantStatus};
use http::HeaderMap;
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Accepted, Email, RequestInfo, Slug, problem::Result};

use super::one_time_link::{self, Link};
use crate::{
    App,
    http::{
        account::register::EXTERNAL,
        sessions::cookie,
        tenant::{NOBODYS, find_tenant, place},
    },
    store::{
        accounts::{self, Account},
        one_time_tokens, users,
    },
};

web::body! {
    /// Who wants a mail.
    pub struct AskForMail {
        /// The organisation's slug; without it the page's or the host's domain tells.
        pub tenant: Option<Slug>,
        /// The mail address.
        pub email: Email,
    }
    example { "tenant": "demo", "email": "manager@demo.example" }
}

/// What everybody hears.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckMail {
    /// Always `check_mail`.
    #[schema(example = "check_mail")]
    status: &'static str,
}

impl CheckMail {
    /// `202`, whatever was done.
    pub(crate) fn answer() -> Accepted<Self> {
        Accepted(Self {
            status: "check_mail",
        })
    }
}

/// Answers at a multiple of the step, however long the work took: the time tells nothing about an address.
pub(crate) async fn at_a_step<T>(app: &App, work: impl Future<Output = Result<T>>) -> Result<T> {
    let began = tokio::time::Instant::now();
    let done = work.await;
    let answer_after = round_up(began.elapsed(), app.settings.mail_answer_after);
    tokio::time::sleep_until(began + answer_after).await;
    done
}

/// The next multiple of `step`: also who makes us slow, by many requests at once, sees steps only.
fn round_up(took: Duration, step: Duration) -> Duration {
    let steps = took.as_nanos().div_ceil(step.as_nanos().max(1)).max(1);
    step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// For which living tenant a mail is asked for. Counted whether or not there is an account, or a tenant.
pub(crate) async fn admit(
    app: &App,
    (request, headers): (&RequestInfo, &HeaderMap),
    ask: &AskForMail,
) -> Result<Option<Arc<Tenant>>> {
    let tenant = find_tenant(app, headers, ask.tenant.as_ref()).await?;
    cookie::check_page(&app.state, headers, tenant.as_ref().map(|tenant| tenant.id)).await?;
    let place = place(tenant.as_deref(), ask.tenant.as_ref());
    let now = app.state.clock().now();
    app.mail_throttle
        .count(&place, ask.email.as_str(), request.address(), now)
        .await?;
    Ok(tenant.filter(|tenant| tenant.status != TenantStatus::Closed))
}

/// Sends a link to the account with this address if `wanted` says so; a link for the same purpose that is still open becomes
/// worthless. Whoever has no account costs a look-up too.
pub(crate) async fn send_link(
    app: &App,
    request: &RequestInfo,
    (tenant, email): (Option<&Tenant>, &Email),
    wanted: impl FnOnce(&Account) -> bool,
    link: Link<'_>,
) -> Result<()> {
    let now = app.state.clock().now();
    let id = tenant.map_or(NOBODYS, |tenant| tenant.id);
    let mut tx = app.db.begin(id, EXTERNAL).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    if let Some(account) = account.filter(wanted) {
        // Two who ask at the same time come one after the other, and the later link is the good one.
        users::lock_user(&mut tx, access::Reach::All, account.id).await?;
        one_time_tokens::void_tokens_for(&mut tx, account.id, link.purpose, now).await?;
        let user: (UserId, i32) = (account.id, account.version);
        one_time_link::send(app, &mut tx, request, user, link, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_at_a_step_however_long_the_work_took() {
        let after = |took| round_up(Duration::from_millis(took), Duration::from_millis(250));
        for (took, answered) in [(0, 250), (31, 250), (250, 250), (251, 500), (990, 1_000)] {
            assert_eq!(after(took), Duration::from_millis(answered), "{took}");
        }
        assert_eq!(
            round_up(Duration::from_millis(5), Duration::ZERO),
            Duration::ZERO
        );
    }
}
