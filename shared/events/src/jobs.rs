//! Scheduled jobs.
//!
//! A function declares its [`Jobs`]. A scheduler starts each with `POST /internal/jobs/<name>`. A repeated request for the
//! same scheduled time, as Cloud Scheduler may send it, does not run the job twice. Runs of one job never overlap: the second
//! is refused. Results are kept for a month and listed at `GET /internal/jobs`.

mod endpoint;
mod runs;
mod tenant_loop;

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use access::AppState;
use axum::Router;
use chrono::{DateTime, Utc};
use db::Db;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use web::{Problem, RequestInfo};

pub use endpoint::SCHEDULE_TIME;
pub use tenant_loop::TenantLoop;

/// Path of the job endpoints, followed by the job's name.
pub const PATH: &str = "/internal/jobs";

/// A job, as listed in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The function that runs it.
    pub function: &'static str,
    /// Its name in kebab case.
    pub name: &'static str,
    /// Its schedule: a cron expression in UTC.
    pub schedule: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// One run of a job.
#[derive(Clone, Debug)]
pub struct Run {
    job: &'static Job,
    /// The scheduled time; the same for every attempt.
    pub scheduled_at: DateTime<Utc>,
    /// The request that started it, for events and the audit log.
    pub request: RequestInfo,
    progress: Arc<Mutex<Option<Value>>>,
}

impl Run {
    /// Reports the progress, in numbers like the result; shown within seconds at `GET /internal/jobs`.
    pub fn report_progress(&self, done: &impl Serialize) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        *progress = serde_json::to_value(done).ok();
    }
}

type Work<S> = Arc<dyn Fn(S, Run) -> BoxFuture<'static, Result<Value, Problem>> + Send + Sync>;

pub(crate) struct Entry<S> {
    job: &'static Job,
    work: Work<S>,
}

/// The jobs of a function.
pub struct Jobs<S>(Vec<Entry<S>>);

impl<S> fmt::Debug for Jobs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|entry| entry.job.name))
            .finish()
    }
}

impl<S> Default for Jobs<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S: Clone + Send + Sync + 'static> Jobs<S> {
    /// Adds a job. `work` may be interrupted at any point and started again, so it commits in batches. It returns what it has
    /// done, in numbers.
    pub fn job<F, Fut, R>(mut self, job: &'static Job, work: F) -> Self
    where
        F: Fn(S, Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Problem>> + Send + 'static,
        R: Serialize,
    {
        let work: Work<S> = Arc::new(move |state, run| {
            let running = work(state, run);
            Box::pin(async move {
                let done = running.await?;
                serde_json::to_value(done).map_err(Problem::internal)
            })
        });
        self.0.push(Entry { job, work });
        self
    }

    /// The job endpoints, for [`web::Service::with_internal`].
    pub fn routes(self, state: S, db: Db, app: AppState) -> Router {
        endpoint::routes(self.0, state, db, app)
    }
}
