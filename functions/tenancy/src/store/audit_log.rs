//! Reads the audit log. Writing is done by `access::audit`.

use chrono::{DateTime, Utc};
use db::{ActorKind, DbError, Result, TenantTx};
use ids::AuditEntryId;
use serde_json::Value;
use uuid::Uuid;

/// A stored entry.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    pub(crate) id: AuditEntryId,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) actor_kind: ActorKind,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: String,
    pub(crate) resource_kind: String,
    pub(crate) resource_id: Option<String>,
    pub(crate) changes: Value,
    pub(crate) reason: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) sequence: Option<i64>,
}

/// The filters of a list, and the position to continue from.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter<'a> {
    pub(crate) actor: Option<Uuid>,
    pub(crate) action: Option<&'a str>,
    pub(crate) resource_kind: Option<&'a str>,
    pub(crate) resource_id: Option<&'a str>,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) after: Option<(DateTime<Utc>, AuditEntryId)>,
}

/// Lists entries, newest first.
pub(crate) async fn list_entries(
    tx: &mut TenantTx,
    filter: &AuditFilter<'_>,
    rows: i64,
) -> Result<Vec<AuditRow>> {
    let tenant = tx.tenant();
    let (after_time, after_id) = filter.after.unzip();
    sqlx::query_as!(
        AuditRow,
        r#"select
            audit_entry_id as "id: AuditEntryId", occurred_at,
            actor_kind as "actor_kind: ActorKind", actor_id, action,
            resource_kind, resource_id, changes, reason, request_id, address, sequence
        from access.audit_log
        where tenant_id = $1
            and ($2::uuid is null or actor_id = $2)
            and ($3::text is null or action = $3 or starts_with(action, $3 || '.'))
            and ($4::text is null or resource_kind = $4)
            and ($5::text is null or resource_id = $5)
            and ($6::timestamptz is null or occurred_at >= $6)
            and ($7::timestamptz is null or occurred_at < $7)
            and ($8::timestamptz is null or (occurred_at, audit_entry_id) < ($8, $9::uuid))
        order by occurred_at desc, audit_entry_id desc
        limit $10"#,
        tenant as _,
        filter.actor,
        filter.action,
        filter.resource_kind,
        filter.resource_id,
        filter.from,
        filter.to,
        after_time,
        after_id as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)
}
