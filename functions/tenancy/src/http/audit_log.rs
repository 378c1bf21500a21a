//! The audit log of the caller's tenant.

use access::Caller;
use access::list::{ListQuery, Listed};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::ActorKind;
use events::UnitOfWork;
use ids::AuditEntryId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use web::query::OneOf;
use web::{Page, SingleLine, problem::Result};

use crate::{
    App,
    permissions::AuditRead,
    store::audit_log::{self, AuditFilter, AuditRow},
};

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "occurred_at": "2026-11-20T10:00:00Z",
    "actor": {"kind": "user", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e60"}, "action": "tenancy.settings.updated",
    "resource": {"kind": "settings", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e61"},
    "changes": {"registration": {"old": "open", "new": "invite"}}, "reason": null,
    "request_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e62", "address": "203.0.113.7", "sequence": 1042
}))]
pub(crate) struct AuditEntry {
    /// The ID of the entry.
    pub(crate) id: AuditEntryId,
    /// When the action occurred.
    pub(crate) occurred_at: DateTime<Utc>,
    /// Who performed the action.
    pub(crate) actor: AuditActor,
    /// The action, as `context.resource.past_tense`.
    pub(crate) action: String,
    /// The resource that was affected.
    pub(crate) resource: AuditResource,
    /// All changed fields with their old and new values. Sensitive values are masked.
    pub(crate) changes: Value,
    /// The stated reason, if platform staff performed the action.
    pub(crate) reason: Option<String>,
    /// The ID of the request in the platform's logs.
    pub(crate) request_id: Option<String>,
    /// The IP address of the client.
    pub(crate) address: Option<String>,
    /// The position in the chain. `null` until the entry is sealed, within a minute.
    pub(crate) sequence: Option<i64>,
}

/// Who performed an action.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// Whether a user, a key, platform staff or the platform itself performed the action.
    pub(crate) kind: ActorKind,
    /// The ID of the actor.
    pub(crate) id: Option<Uuid>,
}

/// The resource that was affected.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditResource {
    /// The type of the resource.
    pub(crate) kind: String,
    /// The ID of the resource.
    pub(crate) id: Option<String>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            occurred_at: row.occurred_at,
            actor: AuditActor {
                kind: row.actor_kind,
                id: row.actor_id,
            },
            action: row.action,
            resource: AuditResource {
                kind: row.resource_kind,
                id: row.resource_id,
            },
            changes: row.changes,
            reason: row.reason,
            request_id: row.request_id,
            address: row.address,
            sequence: row.sequence,
        }
    }
}

web::query! {
    /// Filters of the audit log.
    pub(crate) struct ListAuditLog {
        /// Only actions of one of these users or keys.
        actor: OneOf<Uuid>,
        /// Only one of these actions, or all actions with one of these prefixes: `tenancy.api_key` includes `tenancy.api_key.revoked`.
        action: OneOf<SingleLine<1, 100>>,
        /// Only actions on one of these types of resource (`api_key`), or on one of these resources (`api_key/<id>`).
        resource: OneOf<SingleLine<1, 200>>,
        /// Only entries at or after this time.
        from: Option<DateTime<Utc>>,
        /// Only entries before this time.
        to: Option<DateTime<Utc>>,
    }
}

/// The entries that a list or an export contains.
#[derive(Debug)]
pub(crate) struct EntrySelection {
    pub(crate) actor: Option<Uuid>,
    pub(crate) action: Option<SingleLine<1, 100>>,
    pub(crate) resource: Option<SingleLine<1, 200>>,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
}

impl EntrySelection {
    /// The filter for the store, starting after the last entry of the previous page.
    pub(crate) fn filter(&self, after: Option<(DateTime<Utc>, AuditEntryId)>) -> AuditFilter<'_> {
        let resource = self.resource.as_ref().map(SingleLine::as_str);
        let (resource_kind, resource_id) = match resource.and_then(|text| text.split_once('/')) {
            Some((kind, id)) => (Some(kind), Some(id)),
            None => (resource, None),
        };
        AuditFilter {
            actor: self.actor,
            action: self.action.as_ref().map(SingleLine::as_str),
            resource_kind,
            resource_id,
            from: self.from,
            to: self.to,
            after,
        }
    }

    /// The names of the filters that are set, without their values.
    pub(crate) fn filter_names(&self) -> Vec<&'static str> {
        [
            ("actor", self.actor.is_some()),
            ("action", self.action.is_some()),
            ("resource", self.resource.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
        .collect()
    }
}

/// List the audit log
///
/// Returns the actions in the caller's tenant, newest first. Changed values are included; sensitive values are masked.
#[utoipa::path(get, path = "/audit-log", responses((status = 200, description = "The entries, newest first.", body = Page<AuditEntry>)))]
pub(crate) async fn list_audit_log(
    State(app): State<App>,
    caller: Caller<AuditRead>,
    query: ListQuery<ListAuditLog>,
) -> Result<Listed<AuditEntry>> {
    let ListAuditLog {
        actor,
        action,
        resource,
        from,
        to,
    } = query.filter.clone();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&audit_log::ENTRIES, audit_log::NEWEST_FIRST),
            |_| {},
            |sql| {
                audit_log::push_actors(sql, actor.clone().given());
                audit_log::push_actions(sql, action.clone().given());
                audit_log::push_resources(sql, resource.clone().given());
                audit_log::push_times(sql, from, to);
            },
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row: AuditRow| AuditEntry::from(row)))
}
