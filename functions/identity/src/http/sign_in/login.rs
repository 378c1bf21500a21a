//! Signs in with a password.

use std::{net::IpAddr, sync::Arc};

use access::{Tenant, TenantStatus};
use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use db::Actor;
use http::HeaderMap;
use ids::{TenantId, UserId};
use web::{Email, RequestInfo, SingleLine, Slug, ValidJson, problem::Result, request::network};

use super::{
    client::Client,
    first_factor::{AuthMethod, SignInAnswer},
    flow::{Authentication, SignIn},
};
use crate::{
    App,
    domain::{
        password::PasswordInput,
        password_hash::{HashPermit, PasswordCheck, verify_with_permit},
        status::UserStatus,
        throttle::ThrottleError,
    },
    error::{INVALID_CREDENTIALS, unauthorized},
    http::{
        sessions::{cookie::RefreshMode, session::Device},
        tenant::{self, NIL_TENANT, find_tenant},
    },
    store::{accounts, sessions},
};

/// How long a network from which an account signed in is known.
const KNOWN_NETWORK_DAYS: TimeDelta = TimeDelta::days(90);

web::body! {
    /// Credentials, and how the client receives its refresh token.
    pub struct Login {
        /// Slug of the organisation. If omitted, the domain of the page or host determines it.
        pub tenant: Option<Slug>,
        /// Email address.
        pub email: Email,
        /// The password.
        pub password: PasswordInput,
        /// How the refresh token is returned: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// Name of this device, as shown in the list of sessions.
        pub device_name: Option<SingleLine<1, 100>>,
    }
    example { "tenant": "demo", "email": "manager@demo.example", "password": "correct horse battery staple" }
}

/// Sign in with a password
///
/// Returns tokens, or asks for the second factor if the user has one. An unknown organisation or account, a wrong password and an
/// unverified or disabled account get the same response after the same time.
#[utoipa::path(
    post,
    path = "/auth/login",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SignInAnswer, description = "The tokens of the new session, or the second factor that is required first."))
)]
pub(crate) async fn login(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<Login>,
) -> Result<Response> {
    let Login {
        tenant: slug,
        email,
        password,
        refresh,
        device_name,
    } = body.value;
    let device = Device::new(refresh, device_name);
    let client = Client::new(&app, &request, &headers, device);
    // Wait for the hasher before using the database, so that many sign-ins at once do not exhaust its connections.
    let permit = app.hasher.acquire().await?;
    let tenant = find_tenant(&app, &headers, slug.as_ref()).await?;
    let id = tenant.as_ref().map(|tenant| tenant.id);
    client.check_page(id).await?;
    let now = app.state.clock().now();
    let throttle_key = tenant::throttle_key(tenant.as_deref(), slug.as_ref());
    let begun = app
        .throttle
        .begin(&throttle_key, email.as_str(), request.address(), now)
        .await;
    let attempt = match (begun, request.address()) {
        (Err(ThrottleError::TooMany { .. }), Some(address))
            if is_known_network(&app, id, &email, address).await? =>
        {
            app.throttle
                .begin_from_known_network(&throttle_key, email.as_str(), address, now)
                .await?
        }
        (begun, _) => begun?,
    };
    let invalid = || unauthorized(&INVALID_CREDENTIALS);
    let Some(verified) =
        verify_credentials(&app, tenant.clone(), &email, &password, permit).await?
    else {
        attempt.record_failure(now);
        return Err(invalid());
    };
    let sign_in = client.sign_in_to(verified.tenant.clone()).await?;
    if let Some(response) = complete_sign_in(&sign_in, verified).await? {
        return Ok(response);
    }
    // The account changed while the password was being verified. Retry once, in case a concurrent sign-in only rehashed it.
    let permit = app.hasher.acquire().await?;
    let verified = verify_credentials(&app, tenant, &email, &password, permit)
        .await?
        .ok_or_else(invalid)?;
    let response = complete_sign_in(&sign_in, verified).await?;
    response.ok_or_else(invalid)
}

/// Whether the account has signed in from this network lately.
async fn is_known_network(
    app: &App,
    tenant: Option<TenantId>,
    email: &Email,
    address: IpAddr,
) -> Result<bool> {
    let tenant = tenant.unwrap_or(NIL_TENANT);
    let mut tx = app.begin_read_only(tenant, Actor::SYSTEM).await?;
    let since = tx.now() - KNOWN_NETWORK_DAYS;
    let known = sessions::list_addresses(&mut tx, email.as_str(), since).await?;
    tx.commit().await?;
    let wanted = network(address);
    let known = known.iter().filter_map(|text| text.parse().ok());
    Ok(known.map(network).any(|known| known == wanted))
}

/// A user whose password was verified.
struct VerifiedCredentials {
    tenant: Arc<Tenant>,
    user: UserId,
    password_hash: String,
    rehashed: Option<String>,
}

/// Verifies the password. Every path costs one look-up and one hash. `None` if the user may not sign in with it.
async fn verify_credentials(
    app: &App,
    tenant: Option<Arc<Tenant>>,
    email: &Email,
    password: &PasswordInput,
    permit: HashPermit,
) -> Result<Option<VerifiedCredentials>> {
    let id = tenant.as_ref().map_or(NIL_TENANT, |tenant| tenant.id);
    let mut tx = app.begin_read_only(id, Actor::SYSTEM).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    let stored = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let check = verify_with_permit(permit, password.expose(), stored).await?;
    let tenant = tenant.filter(|tenant| tenant.status != TenantStatus::Closed);
    Ok(match (check, account, tenant) {
        (PasswordCheck::Correct { rehashed }, Some(account), Some(tenant))
            if account.status == UserStatus::Active =>
        {
            Some(VerifiedCredentials {
                tenant,
                user: account.id,
                password_hash: account.password_hash.unwrap_or_default(),
                rehashed,
            })
        }
        _ => None,
    })
}

/// Creates the session. `None` if the account changed while the password was being verified.
async fn complete_sign_in(
    sign_in: &SignIn<'_>,
    verified: VerifiedCredentials,
) -> Result<Option<Response>> {
    let (user, password_hash) = (verified.user, verified.password_hash.as_str());
    let mut unit = sign_in.begin(Actor::user(user)).await?;
    let unchanged = accounts::lock_account_shared(&mut unit, user, Some(password_hash)).await?;
    let found = if unchanged {
        sign_in.load_user(&mut unit, user).await?
    } else {
        None
    };
    let Some(found) = found else {
        unit.rollback();
        return Ok(None);
    };
    let authentication = Authentication::FirstFactor(AuthMethod::Password);
    let response = sign_in.finish(unit, found, authentication).await?;
    if let Some(rehashed) = verified.rehashed {
        // Afterwards, because the account must not be written under the shared lock.
        let mut unit = sign_in.begin(Actor::SYSTEM).await?;
        accounts::replace_password_hash(&mut unit, user, password_hash, &rehashed).await?;
        unit.commit().await?;
    }
    Ok(Some(response))
}
