//! The authentication status of the caller.

use access::{Assurance, Caller, Enrolling, Grants, Reach, TenantStatus};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::{SessionId, TenantId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::problem::Result;

use crate::{
    App,
    http::{current_user::CurrentUser, people::User},
    store::{sessions, users},
};

/// The caller's identity and permissions. Without credentials only `authenticated` (`false`) is meaningful.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AuthStatus {
    /// Whether the request carried valid credentials.
    authenticated: bool,
    /// The signed-in user; null for API keys and without credentials.
    user: Option<User>,
    /// Name of the role, `api_key` for API keys; null without credentials.
    role: Option<String>,
    /// The caller's permissions and their reach: `all`, `assigned` or `own`.
    #[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"support.ticket.read": "all"}))]
    permissions: Grants,
    /// The organisation in which the caller acts; null without credentials.
    tenant: Option<TenantView>,
    /// Features by name, and whether they are enabled.
    #[schema(value_type = std::collections::BTreeMap<String, bool>, example = json!({"support": true}))]
    features: Map<String, Value>,
    /// The caller's session; null for API keys and without credentials.
    session: Option<SessionView>,
}

/// The organisation in which the caller acts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    /// Identifier of the organisation.
    id: TenantId,
    /// Short name used at sign-in.
    slug: String,
    /// Display name.
    name: String,
    /// `trial`, `active`, `past_due`, `suspended` or `closing`.
    status: TenantStatus,
    /// Default language.
    locale: String,
    /// Default time zone (IANA name).
    time_zone: String,
}

/// The session of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Identifier of the session.
    id: SessionId,
    /// Name given to the device at sign-in; null if none was given.
    device_name: Option<String>,
    /// Authentication methods that were used (RFC 8176).
    amr: Vec<String>,
    /// Assurance level reached: `aal1`, or `aal2` with a second factor.
    aal: Assurance,
    /// When the user last authenticated. Sensitive operations require this to be at most 10 minutes ago.
    proved_at: Option<DateTime<Utc>>,
    /// Whether the user must set up a second factor before using anything else.
    mfa_enrolment_required: bool,
    /// When the user signed in.
    created_at: DateTime<Utc>,
    /// When the session expires unless it is refreshed.
    expires_at: DateTime<Utc>,
}

/// Get your authentication status
///
/// Returns the caller's user, role, permissions, organisation, features and session. Without credentials it returns
/// `"authenticated": false`; invalid credentials are refused with `401`.
#[utoipa::path(get, path = "/auth/status", responses((status = 200, body = AuthStatus, description = "The caller, or `\"authenticated\": false`.")))]
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
    if let Ok(me) = CurrentUser::from_caller(&caller) {
        let mut tx = me.begin_read_only(&app).await?;
        let row = users::find_user(&mut tx, Reach::Own(me.user), me.user, false).await?;
        let device = sessions::find_session_device(&mut tx, me.user, me.session).await?;
        tx.commit().await?;
        let unmasked = caller.impersonator.is_none();
        status.user = row.map(|row| User::from_row(row, unmasked));
        status.session = device.map(|device| SessionView {
            id: me.session,
            device_name: device.device_name,
            amr: caller.amr.clone(),
            aal: caller.assurance(),
            proved_at: caller.authenticated_at,
            mfa_enrolment_required: caller.second_factor_required && !caller.second_factor,
            created_at: device.created_at,
            expires_at: device.expires_at,
        });
    }
    Ok(Json(status))
}
