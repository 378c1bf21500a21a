//! The job endpoints, called by a scheduler.

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

/// Cloud Scheduler's header with the scheduled time (RFC 3339). Defaults to the current minute.
pub const SCHEDULE_TIME: &str = "x-cloudscheduler-scheduletime";

/// How long a request waits for the run to end; the run continues after that.
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

/// Interval at which a run renews its lease; well below the lease.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// A job with its last run and its last finished run.
#[derive(Debug, Serialize)]
struct JobStatus {
    #[serde(flatten)]
    job: Job,
    last_run: Option<RunRow>,
    last_finished_run: Option<RunRow>,
}

/// Lists the jobs of this function with the progress of the last run and the result of the last finished one.
async fn list_jobs<S>(
    State(Endpoint(inner)): State<Endpoint<S>>,
    _caller: InternalCaller,
) -> Result<Json<Vec<JobStatus>>, Problem>
where
    S: Clone + Send + Sync + 'static,
{
    let mut tx = inner.db.begin_unscoped().await?;
    let mut listed = Vec::with_capacity(inner.jobs.len());
    for Entry { job, .. } in &inner.jobs {
        listed.push(JobStatus {
            job: **job,
            last_run: runs::last_run(&mut tx, job).await?,
            last_finished_run: runs::last_finished_run(&mut tx, job).await?,
        });
    }
    tx.commit().await?;
    Ok(Json(listed))
}

/// Runs a job: `200` with the result, also if it already ran for the same time; `202` if it is still running.
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
    // In a task of its own: the caller may disconnect, and the response is due within ten seconds.
    let (work, state) = (Arc::clone(&entry.work), inner.state.clone());
    let running = tokio::spawn(async move {
        let number = (scheduled_at, attempt);
        let progress = run.progress.clone();
        let lease = keep_alive(&inner, job, number, &progress);
        let working = AssertUnwindSafe(work(state, run)).catch_unwind();
        tokio::select! {
            outcome = working => {
                let outcome = outcome.unwrap_or_else(|_panic| Err(Problem::internal("job panicked")));
                finish(&inner, job, number, last_report(&progress), outcome).await
            }
            // The lease was lost to another attempt: two must not run at once.
            () = lease => Err(JOB_RUNNING.problem()),
        }
    });
    match tokio::time::timeout(RESPONSE_TIMEOUT, running).await {
        Ok(Ok(outcome)) => outcome.map(|result| Json(result).into_response()),
        Ok(Err(lost)) => Err(Problem::internal(lost)),
        Err(_elapsed) => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

/// Renews the lease of a run periodically; returns only when the lease is lost.
async fn keep_alive<S>(
    inner: &Inner<S>,
    job: &Job,
    run: (DateTime<Utc>, i32),
    progress: &Mutex<Option<Value>>,
) {
    loop {
        tokio::time::sleep(HEARTBEAT_INTERVAL).await;
        let report = last_report(progress);
        let renewed = async {
            let mut tx = inner.db.begin_unscoped().await?;
            let now = inner.app.clock().now();
            let ours = runs::renew(&mut tx, job, run, report.as_ref(), now).await?;
            tx.commit().await?;
            Ok::<_, db::DbError>(ours)
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => {
                tracing::error!(job = job.name, scheduled_at = %run.0, "the lease of a run expired; the run is aborted");
                return;
            }
            Err(error) => tracing::warn!(job = job.name, %error, "the lease could not be renewed"),
        }
    }
}

/// The last reported progress, also after a panic.
fn last_report(progress: &Mutex<Option<Value>>) -> Option<Value> {
    progress
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Stores and logs the result of a run.
async fn finish<S>(
    inner: &Inner<S>,
    job: &Job,
    run: (DateTime<Utc>, i32),
    report: Option<Value>,
    outcome: Result<Value, Problem>,
) -> Result<Value, Problem> {
    // Only the problem code is stored; the cause is in the log.
    let failure = outcome.as_ref().err().map(|problem| problem.kind().code);
    let status = if failure.is_none() { "done" } else { "failed" };
    tracing::info!(job = job.name, scheduled_at = %run.0, attempt = run.1, became = status, "job");
    runs::count(job, status, 1);
    let stored = outcome.as_ref().map_err(|_| failure.unwrap_or_default());
    let now = inner.app.clock().now();
    let mut tx = inner.db.begin_unscoped().await?;
    // The last reported progress is kept beside the result.
    runs::renew(&mut tx, job, run, report.as_ref(), now).await?;
    runs::finish(&mut tx, job, run, stored, now).await?;
    tx.commit().await?;
    outcome
}

fn scheduled_at(headers: &HeaderMap, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let Some(value) = headers.get(SCHEDULE_TIME) else {
        return Ok(now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now));
    };
    value
        .to_str()
        .ok()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|time| time.to_utc())
        // Runs of other days would be deleted at once, or never.
        .filter(|time| (*time - now).abs() < TimeDelta::days(1))
        .ok_or_else(|| {
            problem::INVALID_HEADER
                .problem()
                .argument("header", "X-CloudScheduler-ScheduleTime")
        })
}
