//! Background processing of files: checks, cleanup and expiry.
//!
//! A file is due at `due_at`. A process claims it for 15 minutes, takes one step and sets when it is due next. If the process
//! dies in between, the claim expires. Every step is idempotent.

mod check;
mod cleanup;
mod completion;
mod inspection;
mod preview;

use std::time::Duration;

use crate::ids::FileId;
use chrono::TimeDelta;
use events::UnitOfWork;
use ids::TenantId;
use tokio::task::JoinHandle;
use web::{Problem, RequestInfo, problem::Result};

use crate::{
    App,
    domain::file::Status,
    store::{
        due::{self, DueFile},
        files, usage,
    },
};

/// How long a claim is valid.
const CLAIM_DURATION: TimeDelta = TimeDelta::minutes(15);
/// How long a request waits for the check of the file that it uploaded.
const CHECK_WAIT_TIMEOUT: Duration = Duration::from_secs(4);

impl App {
    /// Processes a file in a separate task and waits for it briefly. The job continues whatever is left.
    pub(crate) async fn process_now(&self, tenant: TenantId, file: FileId, request: &RequestInfo) {
        let waiting = tokio::time::timeout(
            CHECK_WAIT_TIMEOUT,
            self.spawn_processing(tenant, file, request),
        );
        // Whether it is still running or failed is recorded in the file's row.
        drop(waiting.await);
    }

    fn spawn_processing(
        &self,
        tenant: TenantId,
        file: FileId,
        request: &RequestInfo,
    ) -> JoinHandle<()> {
        let (app, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            if let Err(problem) = app.process_due(DueFile { tenant, file }, &request).await {
                tracing::warn!(
                    code = problem.kind().code,
                    "processing a file failed and is left to the job"
                );
            }
        })
    }

    /// Takes the step that is due. Returns `false` if none is, or if another process takes it.
    pub(crate) async fn process_due(&self, due: DueFile, request: &RequestInfo) -> Result<bool> {
        let _permit = self.checks.acquire().await.map_err(Problem::internal)?;
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let until = unit.now() + CLAIM_DURATION;
        let Some(claimed) = due::claim_file(&mut unit, due.file, until).await? else {
            return Ok(false);
        };
        unit.commit().await?;
        match claimed.status {
            Status::Pending => self.expire_upload(due, claimed.attempts, request).await?,
            Status::Scanning | Status::ScanFailed => {
                self.check(due, claimed.attempts, request).await?;
            }
            Status::Clean | Status::Infected | Status::Rejected | Status::Deleted => {}
        }
        self.clean_up(due, request).await?;
        Ok(true)
    }

    /// Deletes an upload that was not completed in time and releases its storage.
    async fn expire_upload(
        &self,
        due: DueFile,
        attempts: i32,
        request: &RequestInfo,
    ) -> Result<()> {
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        if due::lock_claimed_file(&mut unit, due.file, attempts).await? == Some(Status::Pending) {
            let now = unit.now();
            files::delete_file(&mut unit, due.file, now).await?;
            usage::release_reservation(&mut unit, due.file).await?;
            metrics::counter!("files_uploads_total", "became" => "expired").increment(1);
        }
        unit.commit().await?;
        Ok(())
    }
}
