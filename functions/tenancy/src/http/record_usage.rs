//! Records usage that is reported from outside, for example by a gateway of language models.

use access::Caller;
use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use ids::TenantId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Localized, PathIds, Problem, ValidJson,
    body::BoundedVec,
    problem::{self, FieldCode, FieldError, Result},
};

use super::tenant_scope;
use crate::{
    App,
    domain::usage::{MAX_EVENT_QUANTITY, UsageEvent},
    permissions::UsageRecord,
    store::{tenants, usage},
};

/// How late an event can be recorded. Until then the counters of a month may still change.
const MAX_EVENT_AGE: TimeDelta = TimeDelta::days(90);
/// How far the clock of the sender may be ahead.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

web::body! {
    /// Usage events to record.
    pub struct RecordUsage {
        /// The events, at most 100, each as a CloudEvent.
        pub items: BoundedVec<UsageEvent, 100>,
    }
    example {
        "items": [{
            "specversion": "1.0", "id": "run-4711", "source": "llm-gateway", "type": "llm_tokens", "subject": "agents/mail-sorter",
            "data": { "quantity": 1_850 }
        }]
    }
}

/// The result of recording usage events.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(example = json!({"recorded": 98, "known": 2}))]
pub(crate) struct RecordedUsage {
    /// How many events were new.
    pub(crate) recorded: u64,
    /// How many events were recorded before, by source and ID. They are counted once.
    pub(crate) known: u64,
}

/// Record usage
///
/// Records what a tenant has used. Events that were recorded before are accepted and counted once. An event counts in
/// the month of its `time`, which can be up to 90 days ago.
///
/// Platform staff can record usage for any tenant, admins and API keys for their own.
#[utoipa::path(post, path = "/tenants/{id}/usage/events", responses((status = 200, description = "How many events were recorded.", body = RecordedUsage)))]
pub(crate) async fn record_usage(
    State(app): State<App>,
    caller: Caller<UsageRecord>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<RecordUsage>,
) -> Result<Json<RecordedUsage>> {
    let BoundedVec(events) = body.items;
    let mut unit = tenant_scope::begin_for_tenant(&app, &caller, id).await?;
    tenants::find_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let now = unit.now();
    let wrong: Vec<FieldError> = events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| refusal(index, event, caller.is_superadmin(), now))
        .collect();
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let recorded = usage::insert_events(&mut unit, &events).await?;
    unit.commit().await?;
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
    let is_in_range =
        |time: &DateTime<Utc>| *time >= now - MAX_EVENT_AGE && *time <= now + MAX_CLOCK_SKEW;
    if event.time.as_ref().is_some_and(|time| !is_in_range(time)) {
        let texts = Localized {
            de: "darf höchstens 90 Tage zurück und nicht in der Zukunft liegen",
            en: "must be at most 90 days ago and not in the future",
        };
        return Some(FieldError {
            pointer: format!("/items/{index}/time"),
            code: FieldCode::Rule("too_late_or_early", texts),
        });
    }
    // A tenant must not lower its own usage.
    (event.quantity < 0 && !staff).then(|| FieldError {
        pointer: format!("/items/{index}/data/quantity"),
        code: FieldCode::OutOfRange(0, MAX_EVENT_QUANTITY),
    })
}
