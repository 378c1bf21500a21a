//! The doors that a scheduler knocks at.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use access::{AppState, InternalCaller};
use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use db::Db;
use futures::FutureExt;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;
use web::{Problem, RequestInfo, problem};

use super::{
    Entry, Job, PATH, Run,
    runs::{self, Claim, RunRow},
};
use crate::error::JOB_RUNNING;

/// The header in which Cloud Scheduler says for which time it knocks (RFC 3339). Without it, it is for this minute.
pub const SCHEDULE_TIME: &str = "x-cloudscheduler-scheduletime";

/// How long the knock waits for the end; the run goes on without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(8);

struct Inner<S> {
    jobs: Vec<Entry<S>>,
    state: S,
    db: Db,
    app: AppState,
}

struct Endpoint<S>(Arc<Inner<S>>);

impl<S> Clone for Endpoint<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> FromRef<Endpoint<S>> for AppState {
    fn from_ref(endpoint: &Endpoint<S>) -> Self {
        endpoint.0.app.clone()
    }
}

pub(super) fn routes<S>(jobs: Vec<Entry<S>>, state: S, db: Db, app: AppState) -> Router
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route(PATH, get(list_jobs::<S>))
        .route(&format!("{PATH}/{{name}}"), post(run_job::<S>))
        .with_state(Endpoint(Arc::new(Inner {
            jobs,
            state,
            db,
            app,
        })))
}

/// How often a run says that it is still under way; well within its lease.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// A job, its newest run, and the newest that has come to an end.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    job: Job,
    last_run: Option<RunRow>,
    last_finished_run: Option<RunRow>,
}

/// Lists the jobs of this function with how far each one's newest run is, and what became of the last one. For operators.
async fn list_jobs<S>(
    State(Endpoint(inner)): State<Endpoint<S>>,
    _caller: InternalCaller,
) -> Result<Json<Vec<Listed>>, Problem>
where
    S: Clone + Send + Sync + 'static,
{
    let mut tx = inner.db.begin_unscoped().await?;
    let mut listed = Vec::with_capacity(inner.jobs.len());
    for Entry { job, .. } in &inner.jobs {
        listed.push(Listed {
            job: **job,
            last_run: runs::last_run(&mut tx, job).await?,
            last_finished_run: runs::last_finished_run(&mut tx, job).await?,
        });
    }
    tx.commit().await?;
    Ok(Json(listed))
}

/// Runs a job: `200` with what it has done, also when it was done before for the same time; `202` when it goes on.
async fn run_job<S>(
    State(Endpoint(inner)): State<Endpoint<S>>,
    _caller: InternalCaller,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: RequestInfo,
) -> Result<Response, Problem>
where
    S: Clone + Send + Sync + 'static,
{
    let Some(entry) = inner.jobs.iter().find(|entry| entry.job.name == name) else {
        return Err(problem::NOT_FOUND.problem());
    };
    let job = entry.job;
    let now = inner.app.clock().now();
    let scheduled_at = scheduled_at(&headers, now)?;
    let mut tx = inner.db.begin_unscoped().await?;
    let claim = runs::claim(&mut tx, job, scheduled_at, now).await?;
    tx.commit().await?;
    let attempt = match claim {
        Claim::Ours { attempt } => attempt,
        Claim::Known(run) if run.finished_at.is_some() => return Ok(Json(run).into_response()),
        Claim::Known(_) | Claim::Busy => return Err(JOB_RUNNING.problem()),
    };
    let run = Run {
        job,
        scheduled_at,
        request,
        progress: Arc::default(),
    };
    // Its own task: who knocked may hang up, and the answer must be there within ten seconds.
    let (work, state) = (Arc::clone(&entry.work), inner.state.clone());
    let running = tokio::spawn(async move {
        let number = (scheduled_at, attempt);
        let progress = run.progress.clone();
        let living = keep_alive(&inner, job, number, &progress);
        let working = AssertUnwindSafe(work(state, run)).catch_unwind();
        tokio::select! {
            outcome = working => {
                let outcome = outcome.unwrap_or_else(|_panic| Err(Problem::internal("the job panicked")));
                finish(&inner, job, number, said(&progress), outcome).await
            }
            // Somebody else is at it by now: two must not be.
            () = living => Err(JOB_RUNNING.problem()),
        }
    });
    match tokio::time::timeout(RESPONSE_TIMEOUT, running).await {
        Ok(Ok(outcome)) => outcome.map(|result| Json(result).into_response()),
        Ok(Err(lost)) => Err(Problem::internal(lost)),
        Err(_elapsed) => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

/// Says again and again that a run is under way; returns only when it is not the caller's any more.
async fn keep_alive<S>(
    inner: &Inner<S>,
    job: &Job,
    run: (DateTime<Utc>, i32),
    progress: &Mutex<Option<Value>>,
) {
    loop {
        tokio::time::sleep(HEARTBEAT_INTERVAL).await;
        let said = said(progress);
        let renewed = async {
            let mut tx = inner.db.begin_unscoped().await?;
            let now = inner.app.clock().now();
            let ours = runs::renew(&mut tx, job, run, said.as_ref(), now).await?;
            tx.commit().await?;
            Ok::<_, db::DbError>(ours)
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => {
                tracing::error!(job = job.name, scheduled_at = %run.0, "a run took too long to say that it lives, and is broken off");
                return;
            }
            Err(error) => tracing::warn!(job = job.name, %error, "no sign of life"),
        }
    }
}

/// A panic elsewhere leaves what was said before.
fn said(progress: &Mutex<Option<Value>>) -> Option<Value> {
    progress
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Keeps what became of a run, and says it.
async fn finish<S>(
    inner: &Inner<S>,
    job: &Job,
    run: (DateTime<Utc>, i32),
    said: Option<Value>,
    outcome: Result<Value, Problem>,
) -> Result<Value, Problem> {
    // The code says what kind of thing went wrong; its cause stands in the log.
    let failure = outcome.as_ref().err().map(|problem| problem.kind().code);
    let became = if failure.is_none() { "done" } else { "failed" };
    tracing::info!(job = job.name, scheduled_at = %run.0, attempt = run.1, became, "job");
    runs::count(job, became, 1);
    let kept = outcome.as_ref().map_err(|_| failure.unwrap_or_default());
    let now = inner.app.clock().now();
    let mut tx = inner.db.begin_unscoped().await?;
    // What it said last stays beside what became of it.
    runs::renew(&mut tx, job, run, said.as_ref(), now).await?;
    runs::finish(&mut tx, job, run, kept, now).await?;
    tx.commit().await?;
    outcome
}

fn scheduled_at(headers: &HeaderMap, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let Some(told) = headers.get(SCHEDULE_TIME) else {
        return Ok(now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now));
    };
    told.to_str()
        .ok()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|time| time.to_utc())
        // A run of another day would be forgotten at once, or never.
        .filter(|time| (*time - now).abs() < TimeDelta::days(1))
        .ok_or_else(|| {
            problem::INVALID_HEADER
                .problem()
                .argument("header", "X-CloudScheduler-ScheduleTime")
        })
}
