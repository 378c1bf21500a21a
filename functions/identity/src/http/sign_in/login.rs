//! Signing in with a password.

use std::sync::Arc;

use access::{Tenant, TenantStatus};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::HeaderMap;
use ids::UserId;
use web::{Email, SingleLine, RequestInfo, Slug, ValidJson, problem::Result};

use super::first_factor::{Entered, Proof, SignInAnswer, enter};
use crate::{
    App,
    domain::{
        password::GivenPassword,
        password_hash::{Turn, Verdict, verify_in},
        status::UserStatus,
    },
    error::{INVALID_CREDENTIALS, unauthorized},
    http::{
        sessions::{cookie::RefreshMode, session::Device},
        tenant::{self, NOBODYS, find_tenant, introduce},
    },
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
        pub device_name: Option<SingleLine<1, 100>>,
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
    // Before the database is asked anything: a flood of sign-ins must not take the connections of all the rest.
    let turn = app.hasher.turn().await?;
    let tenant = find_tenant(&app, &headers, slug.as_ref()).await?;
    let id = tenant.as_ref().map(|tenant| tenant.id);
    device.check_page(&app, &headers, id).await?;
    let counted_by = tenant::place(tenant.as_deref(), slug.as_ref());
    let attempt = app
        .throttle
        .begin(&counted_by, email.as_str(), request.address(), now)
        .await?;
    let proved = prove(&app, tenant.clone(), &email, (&password, turn)).await;
    if proved
        .as_ref()
        .is_err_and(|problem| problem.kind() == &INVALID_CREDENTIALS)
    {
        attempt.failed(now);
    }
    let proved = proved?;
    // Before anything is written: without a key that signs there is no session.
    app.signer().await?;
    let client = (&request, &headers, &device);
    let entered = if let Some(entered) = sign_in(&app, proved, client, now).await? {
        entered
    } else {
        // The account has changed while the password was checked. Only its hash, by another sign-in at the same moment? The
        // second look tells.
        let turn = app.hasher.turn().await?;
        let proved = prove(&app, tenant, &email, (&password, turn)).await?;
        let entered = sign_in(&app, proved, client, now).await?;
        entered.ok_or_else(|| unauthorized(&INVALID_CREDENTIALS))?
    };
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
    (password, turn): (&GivenPassword, Turn),
) -> Result<Proved> {
    let id = tenant.as_ref().map_or(NOBODYS, |tenant| tenant.id);
    let mut tx = app.db.begin(id, Actor::SYSTEM).await?;
    let account = accounts::find_account(&mut tx, email.as_str()).await?;
    tx.commit().await?;
    let stored = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let verdict = verify_in(turn, password.expose(), stored).await?;
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

/// Opens the session. `None` when the account has changed while the password was checked.
async fn sign_in(
    app: &App,
    proved: Proved,
    (request, headers, device): (&RequestInfo, &HeaderMap, &Device),
    now: DateTime<Utc>,
) -> Result<Option<Entered>> {
    let (tenant, user) = (proved.tenant.id, proved.user);
    let mut tx = app.db.begin(tenant, Actor::user(user)).await?;
    if !accounts::hold_account(&mut tx, user, Some(&proved.verified)).await? {
        return Ok(None);
    }
    let Some(user) = users::find_user(&mut tx, access::Reach::All, user, false).await? else {
        return Ok(None);
    };
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
    if let Some(renewed) = proved.renewed {
        // Afterwards: whoever holds an account at the same time as others must not write it.
        let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
        accounts::renew_hash(&mut tx, proved.user, (&proved.verified, &renewed)).await?;
        tx.commit().await?;
    }
    Ok(Some(entered))
}
