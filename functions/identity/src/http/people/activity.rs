//! The activity of a user, from the audit log.

use access::{
    Caller,
    list::{ListQuery, Listed},
    mask,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::ActorKind;
use events::UnitOfWork;
use ids::{AuditEntryId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Page, PathIds,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    permissions::{ActivityRead, UserReadSensitive},
    store::{
        activity::{self, ActivityRow},
        users,
    },
};

/// The actor of an action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorView {
    /// `user`, `api_key`, `superadmin`, `system` or `external`.
    pub(crate) kind: ActorKind,
    /// Identifier of the actor; null if it has none.
    pub(crate) id: Option<Uuid>,
}

/// An entry in a user's activity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "occurred_at": "2026-11-20T10:00:00Z",
    "action": "identity.session.started",
    "actor": {"kind": "user", "id": "019ab1f2-0000-7c11-8e5a-3b1a2c3d4e5f"},
    "resource_kind": "session",
    "resource_id": "019ab1f2-1111-7c11-8e5a-3b1a2c3d4e5f",
    "changes": {},
    "reason": null,
    "address": "203.0.113.•••"
}))]
pub(crate) struct Activity {
    /// Identifier of the entry.
    id: AuditEntryId,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// Action in the form `context.resource.past_tense`.
    action: String,
    /// Who performed the action.
    actor: ActorView,
    /// Type of the affected resource.
    resource_kind: String,
    /// Identifier of the affected resource; null if it has none.
    resource_id: Option<String>,
    /// Changed fields, with the old and the new value.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    changes: Value,
    /// Reason given by platform staff or for an impersonation; null otherwise.
    reason: Option<String>,
    /// IP address; masked for callers without `identity.user.read_sensitive`. Null if unknown.
    address: Option<String>,
}

web::query! {
    /// No filters.
    pub(crate) struct ListActivity {}
}

/// List a user's activity
///
/// Returns sign-ins and all audit log entries of actions by the user or affecting the user, newest first. With reach `own` callers
/// see only their own activity.
#[utoipa::path(get, path = "/users/{id}/activity", responses((status = 200, body = Page<Activity>, description = "A page of entries.")))]
pub(crate) async fn list_activity(
    State(app): State<App>,
    caller: Caller<ActivityRead>,
    PathIds(id): PathIds<UserId>,
    query: ListQuery<ListActivity>,
) -> Result<Listed<Activity>> {
    let include_disabled = rules::can_see_disabled(&caller);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    users::find_user(&mut unit, caller.reach(), id, include_disabled)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let tenant = unit.tenant();
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&activity::ACTIVITY, activity::NEWEST_FIRST),
            |sql| activity::push_user(sql, tenant, id),
            |_| {},
        )
        .await?;
    unit.commit().await?;
    let unmasked = caller.may::<UserReadSensitive>().is_some();
    Ok(listed.map(|row| Activity::from_row(row, unmasked)))
}

impl Activity {
    fn from_row(row: ActivityRow, unmasked: bool) -> Self {
        let address = row.address;
        Self {
            id: row.id,
            occurred_at: row.occurred_at,
            action: row.action,
            actor: ActorView {
                kind: row.actor_kind,
                id: row.actor_id,
            },
            resource_kind: row.resource_kind,
            resource_id: row.resource_id,
            changes: row.changes,
            reason: row.reason,
            address: if unmasked {
                address
            } else {
                address.as_deref().map(mask::address)
            },
        }
    }
}
