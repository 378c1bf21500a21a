//! What happens to a file when nobody waits for it: its check, what is left behind, its end.
//!
//! A row with `due_at` is due then. Whoever comes claims it for a quarter of an hour, does one step, and says when the next is
//! due; a process that dies in between leaves the claim to run out. Every step can be done again.

mod check;
mod inspection;
mod preview;
mod settlement;
mod tidying;

use std::time::Duration;

use chrono::TimeDelta;
use db::Actor;
use ids::{FileId, TenantId};
use tokio::task::JoinHandle;
use web::{Problem, RequestInfo, problem::Result};

use crate::{
    App,
    domain::file::Status,
    store::{
        due::{self, Due},
        files, usage,
    },
};

/// How long a claim holds.
const CLAIM: TimeDelta = TimeDelta::minutes(15);
/// How long a request waits for the check of what it brought.
const PATIENCE: Duration = Duration::from_secs(4);

impl App {
    /// Takes the next step of a file in a task of its own, and waits for it a little. What it leaves, the job takes up.
    pub(crate) async fn step_soon(&self, tenant: TenantId, file: FileId, request: &RequestInfo) {
        let waiting = tokio::time::timeout(PATIENCE, self.step_aside(tenant, file, request));
        // Still at it, or broken: the file's row says which.
        drop(waiting.await);
    }

    fn step_aside(&self, tenant: TenantId, file: FileId, request: &RequestInfo) -> JoinHandle<()> {
        let (app, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            if let Err(problem) = app.step(Due { tenant, file }, &request).await {
                tracing::warn!(
                    code = problem.kind().code,
                    "a file's step is left to the job"
                );
            }
        })
    }

    /// Takes the step that is due; `false` when there is none, or somebody else takes it.
    pub(crate) async fn step(&self, due: Due, request: &RequestInfo) -> Result<bool> {
        let _place = self.checks.acquire().await.map_err(Problem::internal)?;
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(claimed) = due::claim(&mut tx, due.file, now + CLAIM, now).await? else {
            return Ok(false);
        };
        tx.commit().await?;
        match claimed.status {
            Status::Pending => self.give_up(due, claimed.attempts).await?,
            Status::Scanning | Status::ScanFailed => {
                self.check(due, claimed.attempts, request).await?;
            }
            Status::Clean | Status::Infected | Status::Rejected | Status::Deleted => {}
        }
        self.tidy(due).await?;
        Ok(true)
    }

    /// The bytes did not come in time: the room goes to others.
    async fn give_up(&self, due: Due, attempts: i32) -> Result<()> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        if due::lock_claimed(&mut tx, due.file, attempts).await? == Some(Status::Pending) {
            files::delete_file(&mut tx, due.file, now, now).await?;
            usage::release(&mut tx, due.file).await?;
            metrics::counter!("files_uploads_total", "became" => "expired").increment(1);
        }
        tx.commit().await?;
        Ok(())
    }
}
