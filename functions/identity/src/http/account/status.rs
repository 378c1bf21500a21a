//! Who am I, and what may I do?

use access::{Assurance, Caller, Enrolling, Grants, TenantStatus};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::Actor;
use ids::{SessionId, TenantId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::problem::Result;

use crate::{
    App,
    http::{people::User, sessions::logout::home},
    store::{sessions, users},
};

/// Who calls; without credentials only that nobody is known.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AuthStatus {
    /// Whether there were good credentials.
    authenticated: bool,
    /// The person; null for API keys and strangers.
    user: Option<User>,
    /// The role's name; `api_key` for keys.
    role: Option<String>,
    /// What the caller may do, and how far: `all`, `assigned` or `own`.
    #[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"support.ticket.read": "all"}))]
    permissions: Grants,
    /// The organisation.
    tenant: Option<TenantView>,
    /// Which parts are switched on.
    #[schema(value_type = std::collections::BTreeMap<String, bool>, example = json!({"support": true}))]
    features: Map<String, Value>,
    /// The session; null for API keys and strangers.
    session: Option<SessionView>,
}

/// The organisation in which the caller acts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    id: TenantId,
    slug: String,
    name: String,
    /// `trial`, `active`, `past_due`, `suspended` or `closing`.
    status: TenantStatus,
    locale: String,
    time_zone: String,
}

/// The session of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: SessionId,
    /// How the person calls the device.
    device_name: Option<String>,
    /// How the person proved who they are (RFC 8176).
    amr: Vec<String>,
    /// What that amounts to: `aal1`, or `aal2` with a second factor.
    aal: Assurance,
    /// When the person last did. Sensitive acts want a proof that is at most 10 minutes old.
    proved_at: Option<DateTime<Utc>>,
    /// Whether the session can do nothing until a second factor is set up.
    mfa_enrolment_required: bool,
    created_at: DateTime<Utc>,
    /// When it ends unless it is refreshed.
    expires_at: DateTime<Utc>,
}

/// Who am I, and what may I do? Bad credentials are refused, missing ones are an answer.
#[utoipa::path(get, path = "/auth/status", responses((status = 200, body = AuthStatus, description = "Who calls, if anybody known.")))]
pub(crate) async fn get_status(
    State(app): State<App>,
    caller: Option<Caller<Enrolling>>,
) -> Result<Json<AuthStatus>> {
    let Some(caller) = caller else {
        return Ok(Json(AuthStatus::default()));
    };
    let tenant = &caller.tenant;
    let mut status = AuthStatus {
        authenticated: true,
        user: None,
        role: Some(caller.role.clone()),
        permissions: Grants::clone(&caller.grants),
        tenant: Some(TenantView {
            id: tenant.id,
            slug: tenant.slug.clone(),
            name: tenant.name.clone(),
            status: tenant.status,
            locale: tenant.locale.clone(),
            time_zone: tenant.time_zone.clone(),
        }),
        features: tenant.features.clone(),
        session: None,
    };
    if let Some((user, session)) = caller.user.zip(caller.session) {
        let mut tx = app.db.begin(home(&caller), Actor::user(user)).await?;
        let row = users::find_user(&mut tx, access::Reach::Own(user), user, false).await?;
        let device = sessions::find_device(&mut tx, user, session).await?;
        tx.commit().await?;
        let plain = caller.impersonator.is_none();
        status.user = row.map(|row| User::shown(row, plain));
        status.session = device.map(|device| SessionView {
            id: session,
            device_name: device.device_name,
            amr: caller.amr.clone(),
            aal: caller.assurance(),
            proved_at: caller.proved_at,
            mfa_enrolment_required: caller.second_factor_required && !caller.second_factor,
            created_at: device.created_at,
            expires_at: device.expires_at,
        });
    }
    Ok(Json(status))
}
