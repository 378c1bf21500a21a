//! Signs in with a password.

use std::sync::Arc;

use access::{Tenant, TenantStatus};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::HeaderMap;
use ids::UserId;
use web::{Email, RequestInfo, SingleLine, Slug, ValidJson, problem::Result};

use super::first_factor::{AuthMethod, SignInAnswer, SignInOutcome, complete_first_factor};
use crate::{
    App,
    domain::{
        password::PasswordInput,
        password_hash::{HashPermit, PasswordCheck, verify_with_permit},
        status::UserStatus,
    },
    error::{INVALID_CREDENTIALS, unauthorized},
    http::{
        sessions::{cookie::RefreshMode, session::Device},
        tenant::{self, NIL_TENANT, find_tenant, set_caller},
    },
    store::{accounts, users},
};

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
    let now = app.state.clock().now();
    let Login {
        tenant: slug,
        email,
        password,
        refresh,
        device_name,
    } = body.value;
    let device = Device {
        mode: refresh.unwrap_or_default(),
        name: device_name,
    };
    // Wait for the hasher before using the database, so that many sign-ins at once do not exhaust its connections.
    let permit = app.hasher.acquire().await?;
    let tenant = find_tenant(&app, &headers, slug.as_ref()).await?;
    let id = tenant.as_ref().map(|tenant| tenant.id);
    device.check_page(&app, &headers, id).await?;
    let throttle_key = tenant::throttle_key(tenant.as_deref(), slug.as_ref());
    let attempt = app
        .throttle
        .begin(&throttle_key, email.as_str(), request.address(), now)
        .await?;
    let credentials = verify_credentials(&app, tenant.clone(), &email, (&password, permit)).await;
    if credentials
        .as_ref()
        .is_err_and(|problem| problem.kind() == &INVALID_CREDENTIALS)
    {
        attempt.record_failure(now);
    }
    let credentials = credentials?;
    // Before anything is written: no session can be created without a signing key.
    app.signer().await?;
    let client = (&request, &headers, &device);
    let outcome = if let Some(outcome) = complete_sign_in(&app, credentials, client, now).await? {
        outcome
    } else {
        // The account changed while the password was being verified. Retry once, in case a concurrent sign-in only rehashed it.
        let permit = app.hasher.acquire().await?;
        let credentials = verify_credentials(&app, tenant, &email, (&password, permit)).await?;
        let outcome = complete_sign_in(&app, credentials, client, now).await?;
        outcome.ok_or_else(|| unauthorized(&INVALID_CREDENTIALS))?
    };
    outcome.into_response(&app, &device, now).await
}

/// A user whose password was verified.
struct VerifiedCredentials {
    tenant: Arc<Tenant>,
    user: UserId,
    password_hash: String,
    rehashed: Option<String>,
}

/// Verifies the password. Every path costs one look-up and one hash.
async fn verify_credentials(
    app: &App,
    tenant: Option<Arc<Tenant>>,
    email: &Email,
    (password, permit): (&PasswordInput, HashPermit),
) -> Result<VerifiedCredentials> {
    let id = tenant.as_ref().map_or(NIL_TENANT, |tenant| tenant.id);
    let mut tx = app.db.begin(id, Actor::SYSTEM).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    let stored = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let check = verify_with_permit(permit, password.expose(), stored).await?;
    let tenant = tenant.filter(|tenant| tenant.status != TenantStatus::Closed);
    match (check, account, tenant) {
        (PasswordCheck::Correct { rehashed }, Some(account), Some(tenant))
            if account.status == UserStatus::Active =>
        {
            Ok(VerifiedCredentials {
                tenant,
                user: account.id,
                password_hash: account.password_hash.unwrap_or_default(),
                rehashed,
            })
        }
        _ => Err(unauthorized(&INVALID_CREDENTIALS)),
    }
}

/// Creates the session. `None` if the account changed while the password was being verified.
async fn complete_sign_in(
    app: &App,
    credentials: VerifiedCredentials,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Option<SignInOutcome>> {
    let (tenant, user) = (credentials.tenant.id, credentials.user);
    let mut tx = app.db.begin(tenant, Actor::user(user)).await?;
    if !accounts::lock_account_shared(&mut tx, user, Some(&credentials.password_hash)).await? {
        return Ok(None);
    }
    let Some(user) = users::find_user(&mut tx, access::Reach::All, user, false).await? else {
        return Ok(None);
    };
    set_caller(request, &credentials.tenant, user.id, &user.locale);
    let outcome = complete_first_factor(
        app,
        &mut tx,
        (credentials.tenant, user),
        AuthMethod::Password,
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    if let Some(rehashed) = credentials.rehashed {
        // Afterwards, because the account must not be written under the shared lock.
        let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
        accounts::replace_password_hash(
            &mut tx,
            credentials.user,
            (&credentials.password_hash, &rehashed),
        )
        .await?;
        tx.commit().await?;
    }
    Ok(Some(outcome))
}
