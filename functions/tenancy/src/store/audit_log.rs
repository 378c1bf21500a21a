//! Reads the audit log. Writing is done by `access::audit`.

use access::list::{IdType, Order, Source, push_any};
use chrono::{DateTime, Utc};
use db::{ActorKind, DbError, Result, TenantTx};
use ids::AuditEntryId;
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;
use web::SingleLine;

/// A stored entry.
#[derive(Clone, Debug, FromRow)]
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

/// Entries of the audit log. They do not change; their position in the chain is added within a minute.
pub(crate) const ENTRIES: Source = Source {
    name: "audit-log",
    columns: "l.audit_entry_id as id, l.occurred_at, l.actor_kind, l.actor_id, l.action, l.resource_kind, l.resource_id, l.changes, l.reason,
        l.request_id, l.address, l.sequence",
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

/// Restricts the entries to these actors.
pub(crate) fn push_actors(query: &mut QueryBuilder<Postgres>, actors: Option<Vec<Uuid>>) {
    push_any(query, "l.actor_id", actors.as_ref());
}

/// Restricts the entries to these actions, or those that they begin.
pub(crate) fn push_actions<const MAX: usize>(
    query: &mut QueryBuilder<Postgres>,
    actions: Option<Vec<SingleLine<1, MAX>>>,
) {
    push_each(query, actions.as_ref(), |query, action| {
        query
            .push("l.action = ")
            .push_bind(action.as_str().to_owned());
        query.push(" or starts_with(l.action, ");
        query.push_bind(format!("{}.", action.as_str())).push(")");
    });
}

/// Restricts the entries to these types of resources, or single ones.
pub(crate) fn push_resources<const MAX: usize>(
    query: &mut QueryBuilder<Postgres>,
    resources: Option<Vec<SingleLine<1, MAX>>>,
) {
    push_each(query, resources.as_ref(), |query, resource| {
        let (kind, id) = match resource.as_str().split_once('/') {
            Some((kind, id)) => (kind, Some(id)),
            None => (resource.as_str(), None),
        };
        query.push("l.resource_kind = ").push_bind(kind.to_owned());
        if let Some(id) = id {
            query.push(" and l.resource_id = ").push_bind(id.to_owned());
        }
    });
}

/// Restricts the entries to a time.
pub(crate) fn push_times(
    query: &mut QueryBuilder<Postgres>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) {
    if let Some(from) = from {
        query.push(" and l.occurred_at >= ").push_bind(from);
    }
    if let Some(to) = to {
        query.push(" and l.occurred_at < ").push_bind(to);
    }
}

fn push_each<T>(
    query: &mut QueryBuilder<Postgres>,
    items: Option<&Vec<T>>,
    condition: impl Fn(&mut QueryBuilder<Postgres>, &T),
) {
    let Some(items) = items else {
        return;
    };
    query.push(" and (false");
    for item in items {
        query.push(" or (");
        condition(query, item);
        query.push(")");
    }
    query.push(")");
}
