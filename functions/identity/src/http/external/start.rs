//! Off to an issuer: to sign in, or to link an identity.

use access::{Anyone, Caller, Purpose};
use axum::{Json, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use ids::{TenantId, UserId};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::{IntoParams, ToSchema};
use web::{
    SingleLine, Problem, ValidJson, ValidQuery,
    problem::{self, FieldCode, Result},
};

use super::{
    callback_address, find_provider, flow::Flow, name::ProviderName, providers::slug, redirect,
    refused,
};
use crate::{
    App,
    domain::tenant_rules,
    error::{NOT_A_PERSON, SIGN_IN_EXPIRED},
    http::{
        sessions::logout::home,
        tenant::{NOBODYS, find_tenant},
    },
    oidc::Provider,
};

/// How long a link's address is good.
const TICKET_LIFETIME: TimeDelta = TimeDelta::minutes(2);
/// Binds the seal of such an address to its use.
const TICKET: &[u8] = b"link";

/// Where from and where to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// The organisation's slug; without it the page's or the host's domain tells.
    #[param(required = false, example = "demo")]
    tenant: Option<String>,
    /// The page of the organisation that gets `code`, or `error` with a stable code, in its query.
    #[param(required = false, example = "https://app.demo.example/signed-in")]
    redirect_to: Option<String>,
    /// Base64url of the SHA-256 of a secret of the page (as PKCE, RFC 7636); the code is good only together with the secret.
    #[param(required = false)]
    code_challenge: Option<String>,
    /// As `POST /auth/oauth/{provider}/link` made it; stands instead of the others.
    #[param(required = false)]
    link: Option<String>,
}

web::body! {
    /// Where to come back.
    pub struct StartLink {
        /// The page of the organisation that gets `code`, or `error` with a stable code, in its query.
        pub redirect_to: SingleLine<1, 1000>,
    }
    example { "redirect_to": "https://app.demo.example/linked" }
}

/// Where the browser has to go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkStarted {
    /// Good for two minutes, as an address that the browser opens.
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

/// Sign in by way of a provider: sends the browser there.
///
/// The browser comes back to `redirect_to` with `code`, good for a minute at `POST /auth/oauth/token`; or with `error`:
/// `account_not_active`, `address_not_verified`, `identity_taken`, `link_requires_sign_in`, `provider_refused`,
/// `provider_unavailable`, `registration_closed`, `seats_exhausted`, `sign_in_cancelled`, `sign_in_expired`, `unavailable`.
#[utoipa::path(
    get,
    path = "/auth/oauth/{provider}",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 303, description = "On to the provider, with a cookie that binds the sign-in to this browser.", headers(
        ("Location" = String, description = "The provider's sign-in page."),
    )))
)]
pub(crate) async fn start_sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    ProviderName(name): ProviderName,
    ValidQuery(query): ValidQuery<Start>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let provider = find_provider(&app, &name)?;
    let (tenant, flow) = match &query.link {
        Some(link) => of_ticket(&app, &provider, link, now)?,
        None => of_query(&app, &provider, &headers, &query, now).await?,
    };
    let back = Url::parse(&flow.redirect_to).map_err(Problem::internal)?;
    let (state, cookie) = flow.seal(&app, tenant, provider.form_post, now)?;
    let callback = callback_address(&app, &provider);
    match provider
        .authorization_url(&callback, &state, &flow.secrets(), now)
        .await
    {
        Ok(url) => redirect::go(&url, Some(cookie)),
        Err(error) => redirect::failed(back, &refused(&provider, &error), None),
    }
}

async fn of_query(
    app: &App,
    provider: &Provider,
    headers: &HeaderMap,
    query: &Start,
    now: DateTime<Utc>,
) -> Result<(TenantId, Flow)> {
    let required = |field: &str| Problem::field(field, FieldCode::Required);
    let redirect_to = query
        .redirect_to
        .as_deref()
        .ok_or_else(|| required("/redirect_to"))?;
    let tenant = find_tenant(app, headers, slug(query.tenant.as_deref())?.as_ref()).await?;
    let offered = tenant
        .as_ref()
        .is_none_or(|tenant| tenant_rules::offers_provider(tenant, &provider.name));
    if !offered {
        return Err(problem::NOT_FOUND.problem());
    }
    // One that does not exist goes all the way too, and nobody gets in.
    let tenant = tenant.map_or(NOBODYS, |tenant| tenant.id);
    let redirect_to = redirect::parse(app, redirect_to, tenant).await?;
    let mut flow = Flow::new(app, provider, redirect_to.into(), now);
    flow.challenge = query
        .code_challenge
        .as_deref()
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

fn of_ticket(
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
            .open(Purpose::SignInFlows, TICKET, &sealed)
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

/// Begin to link an identity at a provider to one's own account.
///
/// The browser opens `url` and comes back to `redirect_to` with `code`, good for a minute at `POST /auth/identities`, or with
/// `error` as after a sign-in. The link is made only there, by the same person: an address that somebody else is lured to open
/// links nothing.
#[utoipa::path(
    post,
    path = "/auth/oauth/{provider}/link",
    responses((status = 200, body = LinkStarted, description = "Where the browser has to go."))
)]
pub(crate) async fn start_link(
    State(app): State<App>,
    caller: Caller<Anyone>,
    ProviderName(name): ProviderName,
    body: ValidJson<StartLink>,
) -> Result<Json<LinkStarted>> {
    let now = app.state.clock().now();
    let user = caller.user.ok_or(&NOT_A_PERSON)?;
    let provider = find_provider(&app, &name)?;
    if !tenant_rules::offers_provider(&caller.tenant, &provider.name) {
        return Err(problem::NOT_FOUND.problem());
    }
    let tenant = home(&caller);
    let redirect_to = redirect::parse(&app, body.value.redirect_to.as_str(), tenant).await?;
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
        .seal(Purpose::SignInFlows, TICKET, &plain)
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
