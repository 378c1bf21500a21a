//! Dead letters: list, receive from a bus, replay.

use crate::ids::DeadLetterId;
use access::{InternalCaller, REVALENZ};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use events::push::{FUNCTION, Push};
use ids::{EventId, TenantId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::SingleLine;
use web::{Accepted, Limit, Page, PathIds, Scope, ValidJson, ValidQuery, problem, problem::Result};

use crate::{
    App,
    error::ALREADY_REPLAYED,
    store::dead_letters::{self, DeadLetterRow, Position},
    telemetry::record_parked,
};

/// The message attribute in which Pub/Sub states the number of delivery attempts.
const DELIVERY_COUNT_ATTRIBUTE: &str = "CloudPubSubDeadLetterSourceDeliveryCount";

/// An event that a function refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "tenant_id": "019ab1f2-0000-7c11-8e5a-3b1a2c3d4e5f",
    "function": "notifications",
    "event_id": "019ab1f2-6d3e-7c11-8e5a-000000000001",
    "envelope": {"specversion": "1.0", "type": "de.revalenz.support.ticket.created.v1", "subject": "ticket/019ab1f2-6d3e-7c11-8e5a-000000000002"},
    "reason": "notifications.mails: the template is missing",
    "attempts": 8,
    "parked_at": "2026-11-20T10:00:00Z",
    "replayed_at": null
}))]
pub(crate) struct DeadLetter {
    /// The dead letter's identifier.
    id: DeadLetterId,
    /// The tenant whose event it is.
    tenant_id: TenantId,
    /// The function that refused the event.
    function: String,
    /// The event's identifier.
    event_id: EventId,
    /// The event as it was delivered, without its sealed part.
    #[schema(value_type = Object)]
    envelope: Value,
    /// Why the event was parked.
    reason: String,
    /// Number of delivery attempts.
    attempts: i32,
    /// When the event was parked.
    parked_at: DateTime<Utc>,
    /// When the event was last replayed; null if it was not.
    replayed_at: Option<DateTime<Utc>>,
}

impl From<DeadLetterRow> for DeadLetter {
    fn from(row: DeadLetterRow) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            function: row.function,
            event_id: row.event_id,
            envelope: row.envelope,
            reason: row.reason,
            attempts: row.attempts,
            parked_at: row.parked_at,
            replayed_at: row.replayed_at,
        }
    }
}

web::query! {
    /// Filters and page of the list.
    pub(crate) struct DeadLetterQuery {
        /// Return only dead letters of this tenant.
        tenant_id: Option<TenantId>,
        /// Include dead letters that were replayed.
        replayed: Option<bool>,
        /// Maximum number of items per page.
        limit: Limit,
        /// The `next_cursor` of the previous page.
        cursor: Option<SingleLine<1, 1000>>,
    }
}

/// List dead letters
///
/// Returns events that functions refused, newest first, over all tenants. For the platform's operators only.
#[utoipa::path(
    get,
    path = "/internal/dead-letters",
    responses((status = 200, body = Page<DeadLetter>, description = "A page of dead letters."))
)]
pub(crate) async fn list_dead_letters(
    State(app): State<App>,
    _caller: InternalCaller,
    ValidQuery(query): ValidQuery<DeadLetterQuery>,
) -> Result<Json<Page<DeadLetter>>> {
    let replayed = query.replayed == Some(true);
    // The list belongs to the platform, not to a tenant.
    let scope = Scope::new("dead-letters", REVALENZ, &(query.tenant_id, replayed));
    let after: Option<Position> = query
        .cursor
        .as_ref()
        .map(|cursor| app.cursors.open(&scope, cursor.as_str()))
        .transpose()?;
    let mut tx = app.db.begin_unscoped().await?;
    let rows =
        dead_letters::list_dead_letters(&mut tx, query.tenant_id, !replayed, after, query.limit)
            .await?;
    tx.commit().await?;
    let items = rows.into_iter().map(DeadLetter::from).collect();
    Ok(Json(query.limit.page(items, |last: &DeadLetter| {
        let position = Position {
            parked_at: last.parked_at,
            id: last.id,
        };
        app.cursors.seal(&scope, &position)
    })))
}

/// Receive a dead letter from Pub/Sub
///
/// Stores an event that Google Pub/Sub pushes from its dead-letter topic, so that it is listed and can be replayed. A message of
/// an unknown tenant is accepted and discarded.
#[utoipa::path(
    post,
    path = "/internal/dead-letters",
    responses((status = 204, description = "The dead letter is stored."))
)]
pub(crate) async fn receive_dead_letter(
    State(app): State<App>,
    _caller: InternalCaller,
    body: ValidJson<Push>,
) -> Result<StatusCode> {
    let push = body.value;
    let event = push.open()?;
    let function = push.attribute(FUNCTION).unwrap_or("unknown");
    let attempts = push
        .attribute(DELIVERY_COUNT_ATTRIBUTE)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let reason = "Pub/Sub reached its maximum number of delivery attempts; see the function's log";
    let now = app.state.clock().now();
    let mut tx = app.db.begin_unscoped().await?;
    let inserted =
        dead_letters::insert_from_bus(&mut tx, &event, function, reason, attempts, now).await;
    match inserted {
        // An error would make Pub/Sub redeliver a message that can never be stored.
        Err(error) if error.is_constraint("dead_letters_tenant_fkey") => {
            tracing::error!(event = %event.id, tenant = %event.tenant, "discarded a dead letter of an unknown tenant");
            return Ok(StatusCode::NO_CONTENT);
        }
        inserted => inserted?,
    }
    tx.commit().await?;
    record_parked(&event, function, reason);
    Ok(StatusCode::NO_CONTENT)
}

/// Replay a dead letter
///
/// Puts the event back into the outbox for the function that refused it, with a fresh number of attempts. Other functions do not
/// receive it again. For the platform's operators only.
#[utoipa::path(
    post,
    path = "/internal/dead-letters/{id}/replay",
    responses((status = 202, body = DeadLetter, description = "The event will be delivered again."))
)]
pub(crate) async fn replay_dead_letter(
    State(app): State<App>,
    _caller: InternalCaller,
    PathIds(id): PathIds<DeadLetterId>,
) -> Result<Accepted<DeadLetter>> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin_unscoped().await?;
    let Some(row) = dead_letters::replay_dead_letter(&mut tx, id, now).await? else {
        let exists = dead_letters::has_dead_letter(&mut tx, id).await?;
        tx.commit().await?;
        let kind = if exists {
            &ALREADY_REPLAYED
        } else {
            &problem::NOT_FOUND
        };
        return Err(kind.problem());
    };
    tx.commit().await?;
    tracing::info!(letter = %id, event = %row.event_id, function = row.function, "dead letter replayed");
    Ok(Accepted(row.into()))
}
