//! Back from an issuer.

use std::sync::Arc;

use access::opaque::Opaque;
use axum::{
    extract::{FromRequest, Request, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use ids::OauthFlow;
use serde::Deserialize;
use url::Url;
use utoipa::openapi::{
    ObjectBuilder, Required,
    path::{ParameterBuilder, ParameterIn},
    schema::Type,
};
use web::{
    Problem, RequestInfo,
    openapi::{Arg, OperationDoc},
    problem::{self, Result},
};

use super::{
    callback_address, find_provider,
    flow::{self, Flow},
    link_or_create,
    name::ProviderName,
    redirect, refused,
};
use crate::{
    App,
    domain::tenant_rules,
    error::{PROVIDER_REFUSED, SIGN_IN_CANCELLED, SIGN_IN_EXPIRED},
    http::{account::register::EXTERNAL, tenant::find_living},
    oidc::Provider,
    store::oauth_flows,
};

/// Bytes of a form that an issuer lets the browser post.
const LIMIT: usize = 32 * 1024;

/// What the issuer lets the browser bring: in the query, or as a form. A parameter that stands there twice counts as missing.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    state: String,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
    user: Option<String>,
}

/// What Apple tells of a person, the first time only and by way of the browser: a name, and no proof of anything.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AppleUser {
    pub(super) name: AppleName,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AppleName {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

impl Returned {
    fn of(text: &[u8]) -> Self {
        let one = |wanted: &str| {
            let mut found = url::form_urlencoded::parse(text).filter(|(name, _)| name == wanted);
            let value = found.next().map(|(_, value)| value.into_owned());
            value.filter(|_| found.next().is_none())
        };
        Self {
            state: one("state").unwrap_or_default(),
            code: one("code"),
            error: one("error"),
            iss: one("iss"),
            user: one("user"),
        }
    }

    /// The name that came along.
    pub(super) fn apple_user(&self) -> AppleUser {
        let text = self.user.as_deref().unwrap_or("{}");
        serde_json::from_str(text).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequest<S> for Returned {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if request.method() != Method::POST {
            return Ok(Self::of(
                request.uri().query().unwrap_or_default().as_bytes(),
            ));
        }
        let body = axum::body::to_bytes(request.into_body(), LIMIT).await;
        body.map(|body| Self::of(&body))
            .map_err(|_| problem::TOO_LARGE.problem())
    }
}

impl Arg for Returned {
    fn describe(doc: &mut OperationDoc) {
        for (name, what) in [
            ("state", "As it was sent to the provider."),
            ("code", "For the provider's token endpoint."),
            ("error", "Why there is no code."),
        ] {
            doc.reads(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Query)
                    .required(Required::False)
                    .description(Some(format!("{what} With `POST` it stands in the form.")))
                    .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                    .build(),
            );
        }
        doc.refuses(&problem::TOO_LARGE);
    }
}

/// Come back from a provider: sends the browser on to its page.
///
/// Only the browser that began the sign-in can end it, once, within ten minutes.
#[utoipa::path(
    method(get, post),
    path = "/auth/oauth/{provider}/callback",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 303, description = "Back to the page, with `code` or `error`.", headers(
        ("Location" = String, description = "The page."),
    )))
)]
pub(crate) async fn finish_sign_in(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    ProviderName(name): ProviderName,
    returned: Returned,
) -> Result<Response> {
    let now = app.state.clock().now();
    let provider = find_provider(&app, &name)?;
    let (token, flow) = Flow::open(&app, &headers, &name, &returned.state, now)?;
    let mut page = Url::parse(&flow.redirect_to).map_err(Problem::internal)?;
    let clear = flow::clear(&app, token.row, provider.form_post)?;
    match finish(&app, &request, &provider, (&token, &flow), &returned, now).await {
        Ok(code) => {
            page.query_pairs_mut().append_pair("code", &code.to_text());
            redirect::go(&page, Some(clear))
        }
        Err(problem) => redirect::failed(page, &problem, Some(clear)),
    }
}

async fn finish(
    app: &App,
    request: &RequestInfo,
    provider: &Arc<Provider>,
    (token, flow): (&Opaque<OauthFlow>, &Flow),
    returned: &Returned,
    now: DateTime<Utc>,
) -> Result<Opaque<OauthFlow>> {
    let tenant = find_living(app, token.tenant)
        .await?
        .filter(|tenant| tenant_rules::offers_provider(tenant, &provider.name))
        .ok_or(&SIGN_IN_EXPIRED)?;
    let mut tx = app.db.begin(tenant.id, EXTERNAL).await?;
    if !oauth_flows::begin_flow(&mut tx, token.row, &provider.name, now).await? {
        return Err(SIGN_IN_EXPIRED.problem());
    }
    tx.commit().await?;
    // RFC 9207: an answer that names its issuer must come from the one that was asked.
    if returned
        .iss
        .as_deref()
        .is_some_and(|iss| !provider.is_issuer(iss))
    {
        return Err(PROVIDER_REFUSED.problem());
    }
    let code = match (returned.error.as_deref(), returned.code.as_deref()) {
        (Some("access_denied" | "user_cancelled_authorize"), _) => {
            return Err(SIGN_IN_CANCELLED.problem());
        }
        (None, Some(code)) => code,
        _ => return Err(PROVIDER_REFUSED.problem()),
    };
    let callback = callback_address(app, provider);
    let identity = provider
        .redeem(code, &callback, &flow.secrets(), now)
        .await
        .map_err(|error| refused(provider, &error))?;
    let arrival = link_or_create::Arrival {
        tenant: &tenant,
        provider,
        identity: &identity,
        apple: returned.apple_user(),
    };
    link_or_create::settle(app, request, (token, flow), arrival, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_stands_twice_counts_as_missing() {
        let returned = Returned::of(b"state=a&code=1&code=2&scope=x&iss=https%3A%2F%2Fi");
        assert_eq!(returned.state, "a");
        assert_eq!(returned.code, None);
        assert_eq!(returned.iss.as_deref(), Some("https://i"));
    }

    #[test]
    fn a_name_comes_along_or_it_does_not() {
        let user = |text: &str| {
            let name = Returned::of(format!("user={text}").as_bytes())
                .apple_user()
                .name;
            (name.first_name, name.last_name)
        };
        assert_eq!(
            user(r#"{"name":{"firstName":"Ada","lastName":"King"},"email":"a@b.c"}"#),
            (Some("Ada".to_owned()), Some("King".to_owned()))
        );
        for nothing in ["", "{}", "[]", "7", r#"{"name":7}"#] {
            assert_eq!(user(nothing), (None, None), "{nothing}");
        }
    }
}
