//! SQL for the append-only history.

use crate::ids::TicketHistoryId;
use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::TicketId;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use crate::domain::{comment::Visibility, update::TicketFields};

/// A change of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldChange {
    pub(crate) field: &'static str,
    pub(crate) old: Value,
    pub(crate) new: Value,
}

/// Longer texts are cut in the history.
const MAX_VALUE_LENGTH: usize = 255;

impl FieldChange {
    /// The same change with long texts cut.
    pub(crate) fn truncate(self) -> Self {
        Self {
            field: self.field,
            old: truncate(self.old),
            new: truncate(self.new),
        }
    }
}

fn truncate(value: Value) -> Value {
    match value.as_str() {
        Some(text) if text.chars().count() > MAX_VALUE_LENGTH => {
            let kept = text.chars().take(MAX_VALUE_LENGTH - 1);
            Value::String(kept.chain(std::iter::once('…')).collect())
        }
        _ => value,
    }
}

/// The fields that differ between two versions of a ticket.
pub(crate) fn field_changes(old: &TicketFields, new: &TicketFields) -> Vec<FieldChange> {
    [
        ("title", json!(old.title), json!(new.title)),
        (
            "description",
            json!(old.description),
            json!(new.description),
        ),
        ("status", json!(old.status), json!(new.status)),
        ("priority", json!(old.priority), json!(new.priority)),
        ("category", json!(old.category), json!(new.category)),
        ("tags", json!(old.tags), json!(new.tags)),
        (
            "assigned_to",
            json!(old.assigned_to),
            json!(new.assigned_to),
        ),
        ("team", json!(old.team), json!(new.team)),
        ("due_at", json!(old.due_at), json!(new.due_at)),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(field, old, new)| FieldChange { field, old, new })
    .collect()
}

/// A history entry with its actor's name.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct HistoryRow {
    pub(crate) id: TicketHistoryId,
    pub(crate) field: String,
    pub(crate) old_value: Option<Value>,
    pub(crate) new_value: Option<Value>,
    pub(crate) actor_kind: ActorKind,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) actor_name: Option<String>,
    pub(crate) occurred_at: DateTime<Utc>,
}

/// Appends changes in their order.
pub(crate) async fn append_history(
    tx: &mut TenantTx,
    ticket: TicketId,
    changes: &[FieldChange],
    visibility: Visibility,
) -> Result<()> {
    let (tenant, actor, now) = (tx.tenant(), tx.actor(), tx.now());
    for (position, change) in changes.iter().enumerate() {
        sqlx::query!(
            "insert into support.ticket_history (
                tenant_id, ticket_history_id, ticket_id, field, old_value, new_value, visibility,
                actor_kind, actor_id, occurred_at, position
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            tenant as _,
            TicketHistoryId::at(now) as _,
            ticket as _,
            change.field,
            change.old,
            change.new,
            visibility as Visibility,
            actor.kind as ActorKind,
            actor.id,
            now,
            i16::try_from(position).unwrap_or(i16::MAX),
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// History entries.
pub(crate) const HISTORY: Source = Source {
    name: "history",
    columns: "h.ticket_history_id as id, h.field, h.old_value, h.new_value, h.actor_kind, h.actor_id, p.display_name as actor_name,
        h.occurred_at",
    from: "support.ticket_history h
        left join access.people p on p.tenant_id = h.tenant_id and p.user_id = h.actor_id",
    tenant: "h.tenant_id",
    id: "h.ticket_history_id",
    id_type: IdType::Uuid,
    changed_at: "h.occurred_at",
    version: "1",
    gone: "false",
};
pub(crate) const OLDEST_FIRST: Order = Order {
    keys: &[("h.occurred_at", "timestamptz"), ("h.position", "smallint")],
    descending: false,
};
