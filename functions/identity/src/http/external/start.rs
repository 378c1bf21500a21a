//! Redirects to a provider, to sign in or to link an identity.

use access::{Anyone, Caller, Purpose};
use axum::{Json, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use ids::{TenantId, UserId};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use web::Slug;
use web::{
    Problem, SingleLine, ValidJson, ValidQuery,
    problem::{self, FieldCode, Result},
};

use super::{
    callback_url, find_provider, flow::Flow, name::ProviderName, provider_problem, redirect,
};
use crate::{
    App,
    domain::tenant_rules,
    error::SIGN_IN_EXPIRED,
    http::{
        current_user::home_tenant,
        tenant::{NIL_TENANT, find_tenant},
    },
    oidc::Provider,
};

/// Validity of the URL that starts linking.
const TICKET_LIFETIME: TimeDelta = TimeDelta::minutes(2);
/// Binds the seal of such a URL to its purpose.
const TICKET_CONTEXT: &[u8] = b"link";

web::query! {
    /// Query parameters.
    pub(crate) struct StartSignIn {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        tenant: Option<Slug>,
        /// URL of the organisation's page that receives `code`, or `error` with a stable code, in its query.
        redirect_to: Option<SingleLine<0, 2000>>,
        /// PKCE challenge (RFC 7636): base64url of the SHA-256 of a secret of the page. The code is then valid only with that secret.
        code_challenge: Option<SingleLine<1, 200>>,
        /// Value from `POST /auth/oauth/{provider}/link`, instead of the other parameters.
        link: Option<SingleLine<1, 4000>>,
    }
}

web::body! {
    /// Where the browser returns to.
    pub struct StartLink {
        /// URL of the organisation's page that receives `code`, or `error` with a stable code, in its query.
        pub redirect_to: SingleLine<1, 1000>,
    }
    example { "redirect_to": "https://app.demo.example/linked" }
}

/// The URL to open in the browser.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkStarted {
    /// URL to open in the browser. It is valid for two minutes.
    #[schema(example = "https://api.revalenz.example/api/v1/auth/oauth/google?link=...")]
    url: String,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    tenant: TenantId,
    user: UserId,
    provider: String,
    redirect_to: String,
    expires: i64,
}

/// Sign in via a provider
///
/// Redirects the browser to the provider. The browser returns to `redirect_to` with `code`, which is valid for one minute at
/// `POST /auth/oauth/token`, or with `error`:
/// `account_not_active`, `address_not_verified`, `identity_taken`, `link_requires_sign_in`, `provider_refused`,
/// `provider_unavailable`, `registration_closed`, `seats_exhausted`, `sign_in_cancelled`, `sign_in_expired`, `unavailable`.
#[utoipa::path(
    get,
    path = "/auth/oauth/{provider}",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 303, description = "Redirect to the provider, with a cookie that binds the sign-in to this browser.", headers(
        ("Location" = String, description = "URL of the provider's sign-in page."),
    )))
)]
pub(crate) async fn start_sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    ProviderName(name): ProviderName,
    ValidQuery(query): ValidQuery<StartSignIn>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let provider = find_provider(&app, &name)?;
    let (tenant, flow) = match &query.link {
        Some(link) => flow_from_ticket(&app, &provider, link.as_str(), now)?,
        None => flow_from_query(&app, &provider, &headers, &query, now).await?,
    };
    let back = Url::parse(&flow.redirect_to).map_err(Problem::internal)?;
    let (state, cookie) = flow.seal(&app, tenant, provider.form_post, now)?;
    let callback = callback_url(&app, &provider);
    match provider
        .authorization_url(&callback, &state, &flow.secrets(), now)
        .await
    {
        Ok(url) => redirect::see_other(&url, Some(cookie)),
        Err(error) => {
            redirect::see_other_with_error(back, &provider_problem(&provider, &error), None)
        }
    }
}

async fn flow_from_query(
    app: &App,
    provider: &Provider,
    headers: &HeaderMap,
    query: &StartSignIn,
    now: DateTime<Utc>,
) -> Result<(TenantId, Flow)> {
    let required = |field: &str| Problem::field(field, FieldCode::Required);
    let redirect_to = query
        .redirect_to
        .as_ref()
        .map(SingleLine::as_str)
        .ok_or_else(|| required("/redirect_to"))?;
    let tenant = find_tenant(app, headers, query.tenant.as_ref()).await?;
    let offered = tenant
        .as_ref()
        .is_none_or(|tenant| tenant_rules::allows_provider(tenant, &provider.name));
    if !offered {
        return Err(problem::NOT_FOUND.problem());
    }
    // Unknown tenants go through the same steps, and the sign-in fails at the end.
    let tenant = tenant.map_or(NIL_TENANT, |tenant| tenant.id);
    let redirect_to = redirect::parse_allowed(app, redirect_to, tenant).await?;
    let mut flow = Flow::new(app, provider, redirect_to.into(), now);
    flow.challenge = query
        .code_challenge
        .as_ref()
        .map(SingleLine::as_str)
        .map(|text| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            bytes.and_then(|bytes| bytes.try_into().ok())
        })
        .map(|challenge| {
            challenge.ok_or_else(|| Problem::field("/code_challenge", FieldCode::InvalidCharacters))
        })
        .transpose()?;
    Ok((tenant, flow))
}

fn flow_from_ticket(
    app: &App,
    provider: &Provider,
    link: &str,
    now: DateTime<Utc>,
) -> Result<(TenantId, Flow)> {
    let opened = || -> Option<Ticket> {
        let sealed = URL_SAFE_NO_PAD.decode(link).ok()?;
        let plain = app
            .state
            .keyring()
            .open(Purpose::SignInFlows, TICKET_CONTEXT, &sealed)
            .ok()?;
        serde_json::from_slice(&plain).ok()
    };
    let ticket = opened()
        .filter(|ticket| ticket.provider == provider.name && now.timestamp() < ticket.expires)
        .ok_or(&SIGN_IN_EXPIRED)?;
    let mut flow = Flow::new(app, provider, ticket.redirect_to, now);
    flow.linking = Some(ticket.user);
    Ok((ticket.tenant, flow))
}

/// Start linking an identity
///
/// Returns a URL to open in the browser, which comes back to `redirect_to` with `code`, or with `error` as after a sign-in. The
/// same user completes the link with that code at `POST /auth/identities` within one minute; opening the URL alone links nothing.
#[utoipa::path(
    post,
    path = "/auth/oauth/{provider}/link",
    responses((status = 200, body = LinkStarted, description = "The URL to open in the browser."))
)]
pub(crate) async fn start_link(
    State(app): State<App>,
    caller: Caller<Anyone>,
    ProviderName(name): ProviderName,
    body: ValidJson<StartLink>,
) -> Result<Json<LinkStarted>> {
    let now = app.state.clock().now();
    let user = caller.user.ok_or(&access::problems::NOT_A_PERSON)?;
    let provider = find_provider(&app, &name)?;
    if !tenant_rules::allows_provider(&caller.tenant, &provider.name) {
        return Err(problem::NOT_FOUND.problem());
    }
    let tenant = home_tenant(&caller);
    let redirect_to =
        redirect::parse_allowed(&app, body.value.redirect_to.as_str(), tenant).await?;
    let ticket = Ticket {
        tenant,
        user,
        provider: provider.name.clone(),
        redirect_to: redirect_to.into(),
        expires: (now + TICKET_LIFETIME).timestamp(),
    };
    let plain = serde_json::to_vec(&ticket).map_err(Problem::internal)?;
    let sealed = app
        .state
        .keyring()
        .seal(Purpose::SignInFlows, TICKET_CONTEXT, &plain)
        .map_err(Problem::internal)?;
    let public_url = &app.state.settings().public_url;
    let link = URL_SAFE_NO_PAD.encode(sealed);
    Ok(Json(LinkStarted {
        url: format!(
            "{public_url}/api/v1/auth/oauth/{}?link={link}",
            provider.name
        ),
    }))
}
