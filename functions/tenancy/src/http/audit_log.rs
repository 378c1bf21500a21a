//! The audit log of the caller's tenant.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::AuditEntryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Limit, Line, Page, Scope, ValidQuery, problem::Result, query::instant};

use crate::{
    App,
    permissions::AuditRead,
    store::audit_log::{self, AuditFilter, AuditRow},
};

/// One act.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "occurred_at": "2026-11-20T10:00:00Z",
    "actor": {"kind": "user", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e60"}, "action": "tenancy.settings.updated",
    "resource": {"kind": "settings", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e61"},
    "changes": {"registration": {"old": "open", "new": "invite"}}, "reason": null,
    "request_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e62", "address": "203.0.113.7", "sequence": 1042
}))]
pub struct AuditEntry {
    /// Its identifier.
    pub id: AuditEntryId,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Who.
    pub actor: AuditActor,
    /// What: `context.resource.past_tense`.
    pub action: String,
    /// On what.
    pub resource: AuditResource,
    /// Every field that changed, with its old and new value; sensitive ones are masked.
    pub changes: Value,
    /// Why, when the platform's staff did it.
    pub reason: Option<String>,
    /// Names the request in the platform's logs.
    pub request_id: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// Its place in the chain; null until it is sealed, within a minute.
    pub sequence: Option<i64>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AuditActor {
    /// A person, a key, staff, the platform itself.
    pub kind: ActorKind,
    /// Which.
    pub id: Option<Uuid>,
}

/// On what something was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditResource {
    /// Its kind.
    pub kind: String,
    /// Which.
    pub id: Option<String>,
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

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditLogQuery {
    /// Only what this person or key did.
    actor: Option<Uuid>,
    /// Only this action, or all that begin with it: `tenancy.api_key` finds `tenancy.api_key.revoked`.
    #[param(inline)]
    action: Option<Line<1, 100>>,
    /// Only what was done on this kind of thing (`api_key`), or on one of them (`api_key/<id>`).
    #[param(inline)]
    resource: Option<Line<1, 200>>,
    /// Not before this time.
    #[serde(default, deserialize_with = "instant")]
    from: Option<DateTime<Utc>>,
    /// Before this time.
    #[serde(default, deserialize_with = "instant")]
    to: Option<DateTime<Utc>>,
    /// How many.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Which entries a list or an export shows.
#[derive(Debug)]
pub struct Selection {
    pub actor: Option<Uuid>,
    pub action: Option<Line<1, 100>>,
    pub resource: Option<Line<1, 200>>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

impl Selection {
    /// As the store takes it, behind the entry where the last page ended.
    pub fn filter(&self, after: Option<(DateTime<Utc>, AuditEntryId)>) -> AuditFilter<'_> {
        let resource = self.resource.as_ref().map(Line::as_str);
        let (resource_kind, resource_id) = match resource.and_then(|text| text.split_once('/')) {
            Some((kind, id)) => (Some(kind), Some(id)),
            None => (resource, None),
        };
        AuditFilter {
            actor: self.actor,
            action: self.action.as_ref().map(Line::as_str),
            resource_kind,
            resource_id,
            from: self.from,
            to: self.to,
            after,
        }
    }

    /// By what it chooses, without saying whom or what was looked for.
    pub fn named(&self) -> Vec<&'static str> {
        [
            ("actor", self.actor.is_some()),
            ("action", self.action.is_some()),
            ("resource", self.resource.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }
}

/// Lists who did what in the caller's tenant, newest first.
#[utoipa::path(get, path = "/audit-log", responses((status = 200, description = "Acts, newest first.", body = Page<AuditEntry>)))]
pub async fn list_audit_log(
    State(app): State<App>,
    caller: Caller<AuditRead>,
    ValidQuery(query): ValidQuery<AuditLogQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    let selected = (
        query.actor,
        &query.action,
        &query.resource,
        query.from,
        query.to,
    );
    let scope = Scope::new("audit_log", caller.tenant.id, &selected);
    let after = query
        .cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let selection = Selection {
        actor: query.actor,
        action: query.action,
        resource: query.resource,
        from: query.from,
        to: query.to,
    };
    let mut tx = caller.begin(&app.db).await?;
    let rows = audit_log::list(&mut tx, &selection.filter(after), query.limit.rows()).await?;
    tx.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors.seal(&scope, &(last.occurred_at, last.id))
    });
    Ok(Json(page.map(AuditEntry::from)))
}
