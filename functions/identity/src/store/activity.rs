//! The activity of users: their part of the audit log.

use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{AuditEntryId, TenantId, UserId};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

/// An entry.
#[derive(Debug, FromRow)]
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

/// Entries of the audit log.
pub(crate) const ACTIVITY: Source = Source {
    name: "activity",
    columns: "l.audit_entry_id as id, l.occurred_at, l.actor_kind, l.actor_id, l.action, l.resource_kind, l.resource_id, l.changes,
        l.reason, l.address",
    from: "access.audit_log l",
    tenant: "l.tenant_id",
    id: "l.audit_entry_id",
    id_type: IdType::Uuid,
    changed_at: "l.occurred_at",
    version: "1",
    gone: "false",
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[("l.occurred_at", "timestamptz")],
    descending: true,
};

/// Restricts the entries to those of a user: who performed the action, or whom it affected, or one of whose sessions. Each condition has
/// its own index; `union` removes entries that match more than one.
pub(crate) fn push_user(query: &mut QueryBuilder<Postgres>, tenant: TenantId, user: UserId) {
    query.push(" and l.audit_entry_id in (select a.audit_entry_id from access.audit_log a where a.tenant_id = ");
    query.push_bind(tenant);
    query.push(" and a.actor_kind in ('user', 'superadmin') and a.actor_id = ");
    query.push_bind(user);
    query.push(" union select a.audit_entry_id from access.audit_log a where a.tenant_id = ");
    query.push_bind(tenant);
    query.push(" and a.resource_kind = 'user' and a.resource_id = ");
    query.push_bind(user.to_string());
    query.push(" union select a.audit_entry_id from access.audit_log a where a.tenant_id = ");
    query.push_bind(tenant);
    query.push(
        " and a.resource_kind = 'session' and a.resource_id in (
            select s.session_id::text from identity.sessions s where s.tenant_id = ",
    );
    query.push_bind(tenant);
    query.push(" and s.user_id = ").push_bind(user).push("))");
}
