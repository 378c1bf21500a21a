//! The activity of users: their part of the audit log.

use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{AuditEntryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use web::Limit;

/// An entry.
#[derive(Debug)]
pub(crate) struct ActivityRow {
    pub(crate) id: AuditEntryId,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) actor_kind: ActorKind,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: String,
    pub(crate) resource_kind: String,
    pub(crate) resource_id: Option<String>,
    pub(crate) changes: Value,
    pub(crate) reason: Option<String>,
    pub(crate) address: Option<String>,
}

/// The keyset position of an entry; the page starts after it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) id: AuditEntryId,
}

/// Returns one page plus one row, newest first.
///
/// An entry matches if the user performed the action, or if it affected the user or one of their sessions. Each condition has its
/// own index; `union` removes entries that match more than one.
pub(crate) async fn list_activity(
    tx: &mut TenantTx,
    user: UserId,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<ActivityRow>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        ActivityRow,
        r#"with found as (
            (
                select l.occurred_at, l.audit_entry_id
                from access.audit_log l
                where l.tenant_id = $1 and l.actor_id = $2 and l.actor_kind in ('user', 'superadmin')
                    and ($3::timestamptz is null or (l.occurred_at, l.audit_entry_id) < ($3, $4))
                order by l.occurred_at desc, l.audit_entry_id desc
                limit $5
            )
            union
            (
                select l.occurred_at, l.audit_entry_id
                from access.audit_log l
                where l.tenant_id = $1 and l.resource_kind = 'user' and l.resource_id = $2::uuid::text
                    and ($3::timestamptz is null or (l.occurred_at, l.audit_entry_id) < ($3, $4))
                order by l.occurred_at desc, l.audit_entry_id desc
                limit $5
            )
            union
            (
                select l.occurred_at, l.audit_entry_id
                from access.audit_log l
                where l.tenant_id = $1 and l.resource_kind = 'session' and l.resource_id in (
                        select s.session_id::text
                        from identity.sessions s
                        where s.tenant_id = $1 and s.user_id = $2
                    )
                    and ($3::timestamptz is null or (l.occurred_at, l.audit_entry_id) < ($3, $4))
                order by l.occurred_at desc, l.audit_entry_id desc
                limit $5
            )
        )
        select
            l.audit_entry_id as "id!: AuditEntryId", l.occurred_at as "occurred_at!", l.actor_kind as "actor_kind!: ActorKind",
            l.actor_id, l.action as "action!", l.resource_kind as "resource_kind!", l.resource_id, l.changes as "changes!",
            l.reason, l.address
        from found f
        join access.audit_log l on l.tenant_id = $1 and l.audit_entry_id = f.audit_entry_id
        order by l.occurred_at desc, l.audit_entry_id desc
        limit $5"#,
        tenant as _,
        user as _,
        after.map(|position| position.occurred_at),
        after.map(|position| position.id) as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?)
}
