//! Job runs in SQL. They belong to no tenant.

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, Result, UnscopedTx};
use serde::Serialize;
use serde_json::Value;

use super::Job;

/// Time without renewal after which a run counts as lost.
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(3);
/// How long results are kept.
const RETENTION: TimeDelta = TimeDelta::days(30);

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunRow {
    pub(super) scheduled_at: DateTime<Utc>,
    pub(super) status: String,
    pub(super) attempts: i32,
    pub(super) started_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    /// The last reported progress.
    pub(super) progress: Option<Value>,
    pub(super) result: Option<Value>,
    pub(super) failure: Option<String>,
}

/// The result of claiming a run.
#[derive(Debug)]
pub(super) enum Claim {
    /// The caller runs it; this is the number of the attempt.
    Ours { attempt: i32 },
    /// It is already finished or running.
    Known(RunRow),
    /// Another run of the same job is in progress.
    Busy,
}

/// Claims the run for a scheduled time. A failed or lost run may be retried.
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
        now - RETENTION,
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
        // The other request may be for the same time or another: either way the job is running.
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

/// The last run of a job.
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

/// The last finished run of a job.
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

/// Renews the lease of a run and stores its progress. Returns whether the lease is still held.
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

/// Counts runs by outcome.
pub(super) fn count(job: &Job, outcome: &'static str, runs: u64) {
    metrics::counter!("job_runs_total", "function" => job.function, "name" => job.name, "became" => outcome).increment(runs);
}

/// Finishes a run, unless the lease was lost: then another attempt finishes it.
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
