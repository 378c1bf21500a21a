//! History in SQL: appended, read, never changed.

use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{TicketHistoryId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use web::Limit;

use super::comments::Sight;
use crate::domain::{
    changes::FieldChange,
    comment::{Author, Visibility},
};

/// One change of one field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Its identifier.
    pub id: TicketHistoryId,
    /// Which field; `created`, `imported`, `comment` and `deleted` for what is no field.
    pub field: String,
    /// What it was.
    #[schema(value_type = Option<Value>)]
    pub old: Option<Value>,
    /// What it is since.
    #[schema(value_type = Option<Value>)]
    pub new: Option<Value>,
    /// Who did it.
    pub actor: Author,
    /// When.
    pub occurred_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) place: i16,
}

/// Where a page ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) place: i16,
    pub(crate) id: TicketHistoryId,
}

/// Appends changes in their order.
pub(crate) async fn append(
    tx: &mut TenantTx,
    ticket: TicketId,
    changes: &[FieldChange],
    visibility: Visibility,
    now: DateTime<Utc>,
) -> Result<()> {
    let (tenant, actor) = (tx.tenant(), tx.actor());
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

/// A page of a ticket's history, oldest first (one more row than the page has).
pub(crate) async fn list_history(
    tx: &mut TenantTx,
    ticket: TicketId,
    sight: Sight,
    after: Option<&Position>,
    limit: Limit,
) -> Result<Vec<HistoryEntry>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select
            h.ticket_history_id as "id: TicketHistoryId", h.field, h.old_value, h.new_value,
            h.actor_kind as "actor_kind: ActorKind", h.actor_id, p.display_name as "actor_name?", h.occurred_at, h.position
        from support.ticket_history h
        left join access.people p on p.tenant_id = h.tenant_id and p.user_id = h.actor_id
        where h.tenant_id = $1 and h.ticket_id = $2
            and ($3 or h.visibility = 'public')
            and ($4::timestamptz is null or (h.occurred_at, h.position, h.ticket_history_id) > ($4, $5::smallint, $6::uuid))
        order by h.occurred_at, h.position, h.ticket_history_id
        limit $7"#,
        tenant as _,
        ticket as _,
        sight == Sight::Everything,
        after.map(|position| position.occurred_at),
        after.map(|position| position.place),
        after.map(|position| position.id) as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| HistoryEntry {
            id: row.id,
            field: row.field,
            old: row.old_value.filter(|value| !value.is_null()),
            new: row.new_value.filter(|value| !value.is_null()),
            actor: Author {
                kind: row.actor_kind,
                id: row.actor_id,
                name: row.actor_name,
            },
            occurred_at: row.occurred_at,
            place: row.position,
        })
        .collect())
}
