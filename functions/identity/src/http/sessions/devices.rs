//! Sessions, listed and ended by their owner or by those who manage the owner.

use access::Permission;
use access::list::{ListQuery, Listed};
use access::{Anyone, Caller, audit, mask};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::UnitOfWork;
use http::StatusCode;
use ids::{SessionId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{
    Page, PathIds,
    problem::{self, Result},
};

use crate::{
    App,
    http::{
        current_user::CurrentUser,
        people::{activity::ActorView, rules},
    },
    permissions::SessionEnd,
    store::{
        devices::{self, DeviceRow},
        roles,
        sessions::{self, EndReason},
        users,
    },
};

/// A session: a device on which a user is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "current": true,
    "device_name": "Laptop",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "address": "203.0.113.•••",
    "amr": ["pwd"],
    "acting": null,
    "created_at": "2026-11-20T10:00:00Z",
    "last_used_at": "2026-11-20T12:30:00Z",
    "expires_at": "2026-12-20T12:30:00Z"
}))]
pub(crate) struct DeviceSession {
    /// Identifier of the session.
    id: SessionId,
    /// Whether this is the session of the current request.
    current: bool,
    /// Name given to the device at sign-in; null if none was given.
    device_name: Option<String>,
    /// `User-Agent` header at sign-in; null if there was none.
    user_agent: Option<String>,
    /// IP address at sign-in, masked; null if unknown.
    address: Option<String>,
    /// Authentication methods that were used (RFC 8176).
    amr: Vec<String>,
    /// Who impersonates the user in this session; null for the user's own sessions.
    acting: Option<ActorView>,
    /// When the user signed in.
    created_at: DateTime<Utc>,
    /// When the session was last refreshed.
    last_used_at: DateTime<Utc>,
    /// When the session expires unless it is refreshed.
    expires_at: DateTime<Utc>,
}

web::query! {
    /// No filters.
    pub(crate) struct ListSessions {}
}

/// List your sessions
///
/// Returns the devices on which the user is signed in, newest first.
#[utoipa::path(get, path = "/auth/sessions", responses((status = 200, body = Page<DeviceSession>, description = "A page of sessions.")))]
pub(crate) async fn list_sessions(
    State(app): State<App>,
    caller: Caller<Anyone>,
    query: ListQuery<ListSessions>,
) -> Result<Listed<DeviceSession>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let listed = list_page(&app, &caller, &mut tx, me.user, &query).await?;
    tx.commit().await?;
    Ok(listed)
}

/// End one of your sessions
///
/// Signs the user out on that device.
#[utoipa::path(delete, path = "/auth/sessions/{id}", responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn delete_session(
    State(app): State<App>,
    caller: Caller<Anyone>,
    PathIds(id): PathIds<SessionId>,
) -> Result<StatusCode> {
    let me = CurrentUser::from_caller(&caller)?;
    let unit = me.begin(&app, &caller).await?;
    end_and_record(unit, me.user, Some(id)).await?;
    app.state
        .authenticator()
        .invalidate_session(me.tenant, id)
        .await;
    Ok(StatusCode::NO_CONTENT)
}

/// List a user's sessions
///
/// Returns the devices on which the user is signed in, newest first. The caller must be allowed to manage the user's role.
#[utoipa::path(get, path = "/users/{id}/sessions", responses((status = 200, body = Page<DeviceSession>, description = "A page of sessions.")))]
pub(crate) async fn list_user_sessions(
    State(app): State<App>,
    caller: Caller<SessionEnd>,
    PathIds(id): PathIds<UserId>,
    query: ListQuery<ListSessions>,
) -> Result<Listed<DeviceSession>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    check_managed(&mut unit, &caller, id).await?;
    let listed = list_page(&app, &caller, &mut unit, id, &query).await?;
    unit.commit().await?;
    Ok(listed)
}

/// End a user's session
///
/// Signs the user out on that device. The caller must be allowed to manage the user's role.
#[utoipa::path(delete, path = "/users/{id}/sessions/{session_id}", responses((status = 204, description = "The session has ended.")))]
pub(crate) async fn delete_user_session(
    State(app): State<App>,
    caller: Caller<SessionEnd>,
    PathIds((id, session)): PathIds<(UserId, SessionId)>,
) -> Result<StatusCode> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    check_managed(&mut unit, &caller, id).await?;
    end_and_record(unit, id, Some(session)).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of a user
///
/// Signs the user out on every device. The caller must be allowed to manage the user's role.
#[utoipa::path(delete, path = "/users/{id}/sessions", responses((status = 204, description = "All sessions have ended.")))]
pub(crate) async fn delete_user_sessions(
    State(app): State<App>,
    caller: Caller<SessionEnd>,
    PathIds(id): PathIds<UserId>,
) -> Result<StatusCode> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    check_managed(&mut unit, &caller, id).await?;
    end_and_record(unit, id, None).await?;
    app.state.authenticator().invalidate_people();
    Ok(StatusCode::NO_CONTENT)
}

/// Checks that the user exists and that the caller may manage them.
async fn check_managed(tx: &mut TenantTx, caller: &Caller<SessionEnd>, user: UserId) -> Result<()> {
    let found = users::find_user(tx, caller.reach(), user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if caller.user == Some(user) {
        return Ok(());
    }
    let role = roles::find_role(tx, found.role_id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    rules::check_authority(caller, &role)
}

/// Ends one session, which must be active, or all.
async fn end_and_record(mut unit: UnitOfWork, user: UserId, only: Option<SessionId>) -> Result<()> {
    let reason = match only {
        Some(_) => EndReason::Logout,
        None => EndReason::LogoutAll,
    };
    let ended = sessions::end_sessions(&mut unit, user, only, reason).await?;
    if only.is_some() && ended.is_empty() {
        return Err(problem::NOT_FOUND.problem());
    }
    unit.audit_all(audit_entries(ended, reason)).await?;
    unit.commit().await
}

/// The audit entries of ended sessions.
pub(crate) fn audit_entries(ended: Vec<SessionId>, reason: EndReason) -> Vec<audit::Entry> {
    let entry = |session| {
        audit::Entry::new("identity.session.ended", "session", session).change(
            "reason",
            Value::Null,
            reason.as_str(),
        )
    };
    ended.into_iter().map(entry).collect()
}

async fn list_page<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    tx: &mut TenantTx,
    user: UserId,
    query: &ListQuery<ListSessions>,
) -> Result<Listed<DeviceSession>> {
    let now = tx.now();
    let listed = query
        .rows(
            &app.cursors,
            caller,
            tx,
            (&devices::DEVICES, devices::NEWEST_FIRST),
            |sql| devices::push_user(sql, user, now),
            |_| {},
        )
        .await?;
    Ok(listed.map(|row| DeviceSession::from_row(row, caller.session)))
}

impl DeviceSession {
    fn from_row(row: DeviceRow, current: Option<SessionId>) -> Self {
        Self {
            id: row.id,
            current: current == Some(row.id),
            device_name: row.device_name,
            user_agent: row.user_agent,
            address: row.address.as_deref().map(mask::address),
            amr: row.amr,
            acting: row.acting_kind.map(|kind| ActorView {
                kind,
                id: row.acting_id,
            }),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}
