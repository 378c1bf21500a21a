//! Telling what was used, from outside: a gateway of language models, a script.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    PathIds, Problem, Texts, ValidJson,
    body::Items,
    problem::{self, FieldCode, FieldError, Result},
};

use super::visit;
use crate::{
    App,
    domain::usage::{MOST_AT_ONCE, UsageEvent},
    permissions::UsageRecord,
    store::{tenants, usage},
};

/// How late something may be told: so long the counters of a month may still change.
const LATEST: TimeDelta = TimeDelta::days(90);
/// How much the clocks of others may be ahead.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

web::body! {
    /// What was used, up to 100 occasions.
    pub struct RecordUsage {
        /// The occasions, each a CloudEvent.
        pub items: Items<UsageEvent, 100>,
    }
    example {
        "items": [{
            "specversion": "1.0", "id": "run-4711", "source": "llm-gateway", "type": "llm_tokens", "subject": "agents/mail-sorter",
            "data": { "quantity": 1_850 }
        }]
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(example = json!({"recorded": 98, "known": 2}))]
pub struct RecordedUsage {
    /// How many occasions were news.
    pub recorded: u64,
    /// How many had been told before, by source and id, and count once.
    pub known: u64,
}

/// Tells what a tenant has used: staff for any tenant, admins and API keys for their own.
///
/// What was told before is no mistake, and counts once. It counts in the month of its `time`, which may lie 90 days back.
#[utoipa::path(post, path = "/tenants/{id}/usage/events", responses((status = 200, description = "How many of them were news.", body = RecordedUsage)))]
pub async fn record_usage(
    State(app): State<App>,
    caller: Caller<UsageRecord>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<RecordUsage>,
) -> Result<Json<RecordedUsage>> {
    let now = app.gate.clock().now();
    let Items(events) = body.items;
    let mut tx = visit::begin(&app, &caller, id).await?;
    tenants::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let wrong: Vec<FieldError> = events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| refusal(index, event, caller.is_superadmin(), now))
        .collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let recorded = usage::insert(&mut tx, &events, now).await?;
    tx.commit().await?;
    let sent = u64::try_from(events.len()).unwrap_or_default();
    metrics::counter!("usage_events_recorded_total").increment(recorded);
    Ok(Json(RecordedUsage {
        recorded,
        known: sent.saturating_sub(recorded),
    }))
}

fn refusal(
    index: usize,
    event: &UsageEvent,
    staff: bool,
    now: DateTime<Utc>,
) -> Option<FieldError> {
    let timely = |time: &DateTime<Utc>| *time >= now - LATEST && *time <= now + AHEAD;
    if event.time.as_ref().is_some_and(|time| !timely(time)) {
        let texts = Texts {
            de: "höchstens 90 Tage zurück und nicht in der Zukunft",
            en: "at most 90 days ago and not in the future",
        };
        return Some(FieldError {
            pointer: format!("/items/{index}/time"),
            code: FieldCode::Rule("too_late_or_early", texts),
        });
    }
    // A tenant must not talk its own bill down.
    (event.quantity < 0 && !staff).then(|| FieldError {
        pointer: format!("/items/{index}/data/quantity"),
        code: FieldCode::OutOfRange(0, MOST_AT_ONCE),
    })
}
