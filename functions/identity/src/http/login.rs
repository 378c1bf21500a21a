//! Signing in with a password.

use std::sync::Arc;

use access::{Tenant, TenantStatus};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::{HeaderMap, header};
use ids::UserId;
use web::{
    Email, Line, Problem, RequestInfo, Slug, ValidJson,
    problem::{self, Result},
};

use super::{
    cookie::{self, RefreshMode},
    entry::{Entered, Proof, SignInAnswer, enter},
    session::Device,
    tenant::{NOBODYS, find_tenant, introduce},
};
use crate::{
    App,
    domain::{
        password::GivenPassword, password_hash::Verdict, status::UserStatus, throttle::Refused,
    },
    error::{INVALID_CREDENTIALS, unauthorized},
    store::{accounts, users},
};

web::body! {
    /// Who signs in, and how the client keeps its refresh token.
    pub struct Login {
        /// The organisation's slug; without it the page's or the host's domain tells.
        pub tenant: Option<Slug>,
        /// The mail address.
        pub email: Email,
        /// The password.
        pub password: GivenPassword,
        /// Where the refresh token goes: `body` (default) or `cookie`.
        pub refresh: Option<RefreshMode>,
        /// How the person calls this device.
        pub device_name: Option<Line<1, 100>>,
    }
    example { "tenant": "demo", "email": "manager@demo.example", "password": "correct horse battery staple" }
}

/// Sign in.
///
/// Unknown organisation, unknown account, wrong password, an address not yet verified, a disabled account: all get the same
/// answer after the same time.
#[utoipa::path(
    post,
    path = "/auth/login",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SignInAnswer, description = "Signed in, or the second factor comes first."))
)]
pub(crate) async fn login(
    State(app): State<App>,
    request: RequestInfo,
    headers: HeaderMap,
    body: ValidJson<Login>,
) -> Result<Response> {
    let now = app.gate.clock().now();
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
    let tenant = find_tenant(&app, &headers, slug.as_ref()).await?;
    let id = tenant.as_ref().map(|tenant| tenant.id);
    match device.mode {
        RefreshMode::Body => cookie::check_page(&app.gate, &headers, id).await?,
        RefreshMode::Cookie => cookie::check(&app.gate, &headers, id).await?,
    }
    let place = match (&tenant, &slug) {
        (Some(tenant), _) => tenant.id.to_string(),
        (None, slug) => slug
            .as_ref()
            .map(|slug| slug.as_str().to_owned())
            .unwrap_or_default(),
    };
    let attempt = app
        .throttle
        .begin(&place, email.as_str(), request.address(), now)
        .await
        .map_err(slow_down)?;
    let proved = prove(&app, tenant, &email, &password).await;
    if proved
        .as_ref()
        .is_err_and(|problem| problem.kind() == &INVALID_CREDENTIALS)
    {
        attempt.failed(now);
    }
    let proved = proved?;
    // Before anything is written: without a key that signs there is no session.
    app.signer().await?;
    let entered = sign_in(&app, proved, (&request, &headers, &device), now).await?;
    entered.answer(&app, &device, now).await
}

/// Somebody whose password was right.
struct Proved {
    tenant: Arc<Tenant>,
    user: UserId,
    verified: String,
    renewed: Option<String>,
}

/// Checks the password. Every way through costs one look-up and one hash.
async fn prove(
    app: &App,
    tenant: Option<Arc<Tenant>>,
    email: &Email,
    password: &GivenPassword,
) -> Result<Proved> {
    let id = tenant.as_ref().map_or(NOBODYS, |tenant| tenant.id);
    let mut tx = app.db.begin(id, Actor::SYSTEM).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    let stored = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let verdict = app.hasher.verify(password.expose(), stored).await?;
    let tenant = tenant.filter(|tenant| tenant.status != TenantStatus::Closed);
    match (verdict, account, tenant) {
        (Verdict::Right { renewed }, Some(account), Some(tenant))
            if account.status == UserStatus::Active =>
        {
            Ok(Proved {
                tenant,
                user: account.id,
                verified: account.password_hash.unwrap_or_default(),
                renewed,
            })
        }
        _ => Err(unauthorized(&INVALID_CREDENTIALS)),
    }
}

/// Opens the session, unless the account has changed while the password was checked.
async fn sign_in(
    app: &App,
    proved: Proved,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Entered> {
    let mut tx = app
        .db
        .begin(proved.tenant.id, Actor::user(proved.user))
        .await?;
    let changed = || unauthorized(&INVALID_CREDENTIALS);
    let renewed = proved.renewed.as_deref();
    if !accounts::note_sign_in(&mut tx, proved.user, &proved.verified, renewed, now).await? {
        return Err(changed());
    }
    let user = users::find_user(&mut tx, access::Reach::All, proved.user, false)
        .await?
        .ok_or_else(changed)?;
    introduce(request, &proved.tenant, user.id, &user.locale);
    let entered = enter(
        app,
        &mut tx,
        (proved.tenant, user),
        Proof::Password,
        (request, headers, device),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(entered)
}

/// Too many have failed.
pub(crate) fn slow_down(refused: Refused) -> Problem {
    match refused {
        Refused::Busy => problem::UNAVAILABLE.problem(),
        Refused::TooMany { seconds } => problem::RATE_LIMITED
            .problem()
            .argument("seconds", seconds)
            .header(header::RETRY_AFTER, seconds.to_string()),
    }
}
