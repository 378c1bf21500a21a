//! Dead letters: looked at, put back.

use access::{InternalCaller, REVALENZ};
use axum::{Json, extract::State, http::StatusCode};
use events::push::{FUNCTION, Push};
use ids::{DeadLetterId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Accepted, Limit, Page, PathIds, Scope, ValidJson, ValidQuery, problem, problem::Result};

use crate::{
    App,
    error::ALREADY_REPLAYED,
    store::{
        dead_letters::{self, DeadLetter, Position},
        letters,
    },
};

/// Which letters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetterQuery {
    /// Of this tenant alone.
    tenant_id: Option<TenantId>,
    /// Also those that were put back.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    replayed: bool,
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
}

/// List what functions would not take, the newest first. For operators, over all tenants.
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
    // The list belongs to the platform, not to a tenant.
    let scope = Scope::new("dead-letters", REVALENZ, &(query.tenant_id, query.replayed));
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut tx = app.db.begin_unscoped().await?;
    let rows = dead_letters::list_dead_letters(
        &mut tx,
        query.tenant_id,
        !query.replayed,
        after,
        query.limit,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(query.limit.page(rows, |last| {
        let position = Position {
            parked_at: last.parked_at,
            id: last.id,
        };
        app.cursors.seal(&scope, &position)
    })))
}

/// The attribute in which Pub/Sub says how often it brought a message before it gave it up.
const DELIVERIES: &str = "CloudPubSubDeadLetterSourceDeliveryCount";

/// Take what a bus gave up, as Google Pub/Sub pushes it from its dead-letter topic.
#[utoipa::path(
    post,
    path = "/internal/dead-letters",
    responses((status = 204, description = "It is among the dead letters."))
)]
pub(crate) async fn receive_dead_letter(
    State(app): State<App>,
    _caller: InternalCaller,
    body: ValidJson<Push>,
) -> Result<StatusCode> {
    let push = body.value;
    let event = push.open()?;
    let function = push.attribute(FUNCTION).unwrap_or("unknown");
    let tries = push
        .attribute(DELIVERIES)
        .and_then(|text| text.parse().ok());
    let reason = "the bus gave it up after its tries; the function's log says why";
    let now = app.gate.clock().now();
    let mut tx = app.db.begin_unscoped().await?;
    let parked =
        letters::park_handed_on(&mut tx, &event, function, reason, tries.unwrap_or(0), now).await;
    match parked {
        // There is nobody whose letter it could be, and bringing it again would not make somebody.
        Err(error) if error.is_constraint("dead_letters_tenant_fkey") => {
            tracing::error!(event = %event.id, tenant = %event.tenant, "a dead letter of no tenant was thrown away");
            return Ok(StatusCode::NO_CONTENT);
        }
        parked => parked?,
    }
    tx.commit().await?;
    letters::tell(&event, function, reason);
    Ok(StatusCode::NO_CONTENT)
}

/// Bring an event again to the function that would not take it, with all its tries.
#[utoipa::path(
    post,
    path = "/internal/dead-letters/{id}/replay",
    responses((status = 202, body = DeadLetter, description = "On its way again."))
)]
pub(crate) async fn replay_dead_letter(
    State(app): State<App>,
    _caller: InternalCaller,
    PathIds(id): PathIds<DeadLetterId>,
) -> Result<Accepted<DeadLetter>> {
    let now = app.gate.clock().now();
    let mut tx = app.db.begin_unscoped().await?;
    let Some(letter) = dead_letters::replay_dead_letter(&mut tx, id, now).await? else {
        let known = dead_letters::exists_dead_letter(&mut tx, id).await?;
        tx.commit().await?;
        let kind = if known {
            &ALREADY_REPLAYED
        } else {
            &problem::NOT_FOUND
        };
        return Err(kind.problem());
    };
    tx.commit().await?;
    tracing::info!(letter = %id, event = %letter.event_id, function = letter.function, "dead letter replayed");
    Ok(Accepted(letter))
}
