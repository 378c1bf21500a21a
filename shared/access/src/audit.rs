//! The audit log, written in the transaction of the recorded action.

use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use ids::AuditEntryId;
use serde_json::{Map, Value, json};
use web::RequestInfo;

/// An audit log entry.
#[derive(Clone, Debug)]
pub struct Entry {
    action: &'static str,
    resource_kind: &'static str,
    resource_id: String,
    changes: Map<String, Value>,
}

impl Entry {
    /// Creates an entry. `action` has the form `context.resource.past_tense`.
    pub fn new(
        action: &'static str,
        resource_kind: &'static str,
        resource_id: impl ToString,
    ) -> Self {
        Self {
            action,
            resource_kind,
            resource_id: resource_id.to_string(),
            changes: Map::new(),
        }
    }

    /// Adds a changed field with its old and new value. Never add secrets; mask personal data.
    pub fn change(mut self, field: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        let (old, new) = (old.into(), new.into());
        if old != new {
            self.changes
                .insert(field.to_owned(), json!({"old": old, "new": new}));
        }
        self
    }

    /// The fields that changed.
    pub fn changed(&self) -> Vec<String> {
        self.changes.keys().cloned().collect()
    }

    /// Whether any field changed.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// Records an entry. `reason` is the reason given by platform staff.
pub async fn record(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    reason: Option<&str>,
    entry: Entry,
) -> Result<()> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
    sqlx::query!(
        "insert into access.audit_log (
            tenant_id, audit_entry_id, occurred_at, actor_kind, actor_id, action,
            resource_kind, resource_id, changes, reason, request_id, address
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant as _,
        AuditEntryId::at(now) as _,
        now,
        actor.kind.as_str(),
        actor.id,
        entry.action,
        entry.resource_kind,
        entry.resource_id,
        Value::Object(entry.changes),
        reason,
        request.id(),
        request.address().map(|address| address.to_string()),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records many entries of one action, such as an import.
pub async fn record_all(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    reason: Option<&str>,
    entries: Vec<Entry>,
) -> Result<()> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
    let ids: Vec<AuditEntryId> = entries.iter().map(|_| AuditEntryId::at(now)).collect();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action).collect();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.resource_kind).collect();
    let (resources, changes): (Vec<String>, Vec<Value>) = entries
        .into_iter()
        .map(|entry| (entry.resource_id, Value::Object(entry.changes)))
        .unzip();
    sqlx::query!(
        "insert into access.audit_log (
            tenant_id, audit_entry_id, occurred_at, actor_kind, actor_id, action,
            resource_kind, resource_id, changes, reason, request_id, address
        )
        select $1, e.id, $2, $3, $4, e.action, e.kind, e.resource, e.changes, $5, $6, $7
        from unnest($8::uuid[], $9::text[], $10::text[], $11::text[], $12::jsonb[]) e (id, action, kind, resource, changes)",
        tenant as _,
        now,
        actor.kind.as_str(),
        actor.id,
        reason,
        request.id(),
        request.address().map(|address| address.to_string()),
        &ids as _,
        &actions as _,
        &kinds as _,
        &resources,
        &changes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
