//! What a person did, and what was done about them.

use access::{Caller, mask};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{AuditEntryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{
    Limit, Page, PathIds, Scope, ValidQuery,
    problem::{self, Result},
};

use super::rules;
use crate::{
    App,
    permissions::{ActivityRead, UserReadSensitive},
    store::{
        activity::{self, ActRow, Position},
        users,
    },
};

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorView {
    /// `user`, `api_key`, `superadmin`, `system` or `external`.
    pub(crate) kind: ActorKind,
    /// Which one, when it has an identifier.
    pub(crate) id: Option<Uuid>,
}

/// Something that happened.
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
    id: AuditEntryId,
    occurred_at: DateTime<Utc>,
    /// `context.thing.past_tense`.
    action: String,
    actor: ActorView,
    /// What it was done to.
    resource_kind: String,
    resource_id: Option<String>,
    /// The fields that changed, with what they were and are.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    changes: Value,
    /// Why staff of the platform, or whoever looked at the account, did it.
    reason: Option<String>,
    /// From where; without `identity.user.read_sensitive` the network alone, not the machine.
    address: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListActivity {
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
}

/// List what a person did and what was done about them, the newest first: sign-ins and everything that the audit log keeps.
#[utoipa::path(get, path = "/users/{id}/activity", responses((status = 200, body = Page<Activity>, description = "A page of acts.")))]
pub(crate) async fn list_activity(
    State(app): State<App>,
    caller: Caller<ActivityRead>,
    PathIds(id): PathIds<UserId>,
    ValidQuery(query): ValidQuery<ListActivity>,
) -> Result<Json<Page<Activity>>> {
    let scope = Scope::new("activity", caller.tenant.id, &id);
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut tx = caller.begin(&app.db).await?;
    users::find_user(&mut tx, caller.reach(), id, rules::sees_disabled(&caller))
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let rows = activity::list_activity(&mut tx, id, after, query.limit).await?;
    tx.commit().await?;
    let plain = caller.may::<UserReadSensitive>().is_some();
    let page = query.limit.page(rows, |last| {
        let position = Position {
            occurred_at: last.occurred_at,
            id: last.id,
        };
        app.cursors.seal(&scope, &position)
    });
    Ok(Json(page.map(|row| Activity::shown(row, plain))))
}

impl Activity {
    fn shown(row: ActRow, plain: bool) -> Self {
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
            address: if plain {
                address
            } else {
                address.as_deref().map(mask::address)
            },
        }
    }
}
