//! Runs of jobs in SQL. They belong to no tenant.

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, Result, UnscopedTx};
use serde::Serialize;
use serde_json::Value;

use super::Job;

/// How long nothing may be heard of a run before it counts as lost.
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(3);
/// How long it is remembered what became of a run.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// What became of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunRow {
    pub(super) scheduled_at: DateTime<Utc>,
    pub(super) status: String,
    pub(super) attempts: i32,
    pub(super) started_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    /// What it said of itself while it was under way.
    pub(super) progress: Option<Value>,
    pub(super) result: Option<Value>,
    pub(super) failure: Option<String>,
}

/// What a knock finds.
#[derive(Debug)]
pub(super) enum Claim {
    /// The run is the caller's; it is this try.
    Ours { attempt: i32 },
    /// It has been done, or is being done.
    Known(RunRow),
    /// Another run of the same job is under way.
    Busy,
}

/// Claims the run of this time. A run that failed or was lost may be tried again.
pub(super) async fn claim(
    tx: &mut UnscopedTx,
    job: &Job,
    scheduled_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Claim> {
    let lost = sqlx::query!(
        "update events.job_runs
        set status = 'lost', finished_at = $3
        where function = $1 and job = $2 and status = 'running' and lease_until <= $3",
        job.function,
        job.name,
        now,
    )
    .execute(tx.conn())
    .await?;
    count(job, "lost", lost.rows_affected());
    sqlx::query!(
        "delete from events.job_runs
        where function = $1 and job = $2 and scheduled_at < $3 and status <> 'running'",
        job.function,
        job.name,
        now - REMEMBERED,
    )
    .execute(tx.conn())
    .await?;
    let claimed = sqlx::query_scalar!(
        "insert into events.job_runs as r (function, job, scheduled_at, status, started_at, lease_until)
        values ($1, $2, $3, 'running', $4, $5)
        on conflict on constraint job_runs_pkey do update
        set status = 'running', attempts = r.attempts + 1, started_at = excluded.started_at,
            lease_until = excluded.lease_until, finished_at = null, progress = null, result = null, failure = null
        where r.status in ('failed', 'lost')
        returning attempts",
        job.function,
        job.name,
        scheduled_at,
        now,
        now + LEASE,
    )
    .fetch_optional(tx.conn())
    .await
    .map_err(DbError::from);
    match claimed {
        Ok(Some(attempt)) => Ok(Claim::Ours { attempt }),
        Ok(None) => Ok(find_run(tx, job, scheduled_at)
            .await?
            .map_or(Claim::Busy, Claim::Known)),
        // The other knock may be for this very time, or for another: either way somebody is at work.
        Err(error) if error.is_constraint("job_runs_running_key") => Ok(Claim::Busy),
        Err(error) => Err(error),
    }
}

async fn find_run(
    tx: &mut UnscopedTx,
    job: &Job,
    scheduled_at: DateTime<Utc>,
) -> Result<Option<RunRow>> {
    Ok(sqlx::query_as!(
        RunRow,
        "select scheduled_at, status, attempts, started_at, finished_at, progress, result, failure
        from events.job_runs
        where function = $1 and job = $2 and scheduled_at = $3",
        job.function,
        job.name,
        scheduled_at,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The newest run of a job.
pub(super) async fn last_run(tx: &mut UnscopedTx, job: &Job) -> Result<Option<RunRow>> {
    Ok(sqlx::query_as!(
        RunRow,
        "select scheduled_at, status, attempts, started_at, finished_at, progress, result, failure
        from events.job_runs
        where function = $1 and job = $2
        order by started_at desc, scheduled_at desc
        limit 1",
        job.function,
        job.name,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The newest run of a job that has come to an end.
pub(super) async fn last_finished_run(tx: &mut UnscopedTx, job: &Job) -> Result<Option<RunRow>> {
    Ok(sqlx::query_as!(
        RunRow,
        "select scheduled_at, status, attempts, started_at, finished_at, progress, result, failure
        from events.job_runs
        where function = $1 and job = $2 and finished_at is not null
        order by finished_at desc, scheduled_at desc
        limit 1",
        job.function,
        job.name,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Says that a run is still under way, and how far it is; whether it still is the caller's.
pub(super) async fn renew(
    tx: &mut UnscopedTx,
    job: &Job,
    (scheduled_at, attempt): (DateTime<Utc>, i32),
    progress: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let renewed = sqlx::query!(
        "update events.job_runs
        set lease_until = $5, progress = $6
        where function = $1 and job = $2 and scheduled_at = $3 and attempts = $4 and status = 'running'",
        job.function,
        job.name,
        scheduled_at,
        attempt,
        now + LEASE,
        progress,
    )
    .execute(tx.conn())
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Counts runs by what became of them.
pub(super) fn count(job: &Job, became: &'static str, runs: u64) {
    metrics::counter!("job_runs_total", "function" => job.function, "name" => job.name, "became" => became).increment(runs);
}

/// Ends a run, unless it was lost meanwhile: then it is another try's to end.
pub(super) async fn finish(
    tx: &mut UnscopedTx,
    job: &Job,
    (scheduled_at, attempt): (DateTime<Utc>, i32),
    outcome: Result<&Value, &str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let status = if outcome.is_ok() { "done" } else { "failed" };
    sqlx::query!(
        "update events.job_runs
        set status = $5, finished_at = $6, result = $7, failure = $8
        where function = $1 and job = $2 and scheduled_at = $3 and attempts = $4 and status = 'running'",
        job.function,
        job.name,
        scheduled_at,
        attempt,
        status,
        now,
        outcome.ok(),
        outcome.err(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
