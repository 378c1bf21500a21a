//! The end of a check: its result is saved, or it is scheduled again.

use chrono::TimeDelta;
use events::UnitOfWork;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::file::Status,
    events::{FileInfected, FileScanned, QuotaWarning, StorageThreshold},
    store::{
        due::{self, CheckResult, DueFile},
        files::{self, FileRow},
        usage,
    },
};

/// Attempts before the status becomes `scan_failed`. The check is still repeated every hour.
const MAX_CHECK_ATTEMPTS: i32 = 8;
/// Storage usage in percent at which a tenant is warned.
const QUOTA_WARNING_PERCENTS: [i64; 2] = [80, 95];

impl App {
    /// Saves the result of a check and turns the reserved storage into used storage, or releases it.
    pub(super) async fn complete_check(
        &self,
        due: DueFile,
        attempts: i32,
        result: &CheckResult<'_>,
        request: &RequestInfo,
    ) -> Result<()> {
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let status = due::lock_claimed_file(&mut unit, due.file, attempts).await?;
        if !matches!(status, Some(Status::Scanning | Status::ScanFailed)) {
            // Deleted in the meantime, or another process was faster.
            return Ok(());
        }
        due::save_check_result(&mut unit, due.file, result).await?;
        let file = files::find_file_unscoped(&mut unit, due.file)
            .await?
            .ok_or(&web::problem::NOT_FOUND)?;
        if result.status == Status::Clean {
            for deleted in files::supersede_revisions(&mut unit, &file).await? {
                let old_size = files::find_file_size(&mut unit, deleted).await?;
                usage::release_storage(&mut unit, old_size).await?;
                usage::record_usage(&mut unit, deleted, -old_size).await?;
            }
            let (used, _) = usage::settle_reservation(&mut unit, due.file, file.size).await?;
            usage::record_usage(&mut unit, due.file, file.size).await?;
            publish_quota_warnings(&mut unit, used, file.size).await?;
        } else {
            usage::release_reservation(&mut unit, due.file).await?;
        }
        publish_result(&mut unit, &file).await?;
        unit.commit().await?;
        metrics::counter!("files_checked_total", "became" => result.status.as_str()).increment(1);
        Ok(())
    }

    /// Schedules another check, with exponential backoff and then once per hour.
    pub(super) async fn schedule_retry(
        &self,
        due: DueFile,
        file: &FileRow,
        attempts: i32,
        request: &RequestInfo,
    ) -> Result<()> {
        let has_failed = attempts >= MAX_CHECK_ATTEMPTS;
        let delay = if has_failed {
            TimeDelta::hours(1)
        } else {
            TimeDelta::seconds(30) * (1 << attempts.clamp(0, 6))
        };
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let status = due::lock_claimed_file(&mut unit, due.file, attempts).await?;
        if matches!(status, Some(Status::Scanning | Status::ScanFailed)) {
            if has_failed && file.status == Status::Scanning {
                let result = CheckResult {
                    status: Status::ScanFailed,
                    failure: Some("not_checked"),
                    size: 0,
                    sha256: None,
                    mime_type: None,
                    preview_widths: &[],
                    due_at: None,
                };
                due::save_check_result(&mut unit, due.file, &result).await?;
                let failed = files::find_file_unscoped(&mut unit, due.file)
                    .await?
                    .ok_or(&web::problem::NOT_FOUND)?;
                publish_result(&mut unit, &failed).await?;
            }
            let due_at = unit.now() + delay;
            due::set_due_at(&mut unit, due.file, Some(due_at)).await?;
        }
        unit.commit().await?;
        metrics::counter!("files_checked_total", "became" => "later").increment(1);
        Ok(())
    }
}

async fn publish_result(unit: &mut UnitOfWork, file: &FileRow) -> Result<()> {
    let resource = file.resource().map(|resource| resource.to_string());
    let scanned = FileScanned {
        file_id: file.id,
        status: file.status,
        category: file.category,
        resource: resource.clone(),
    };
    unit.publish(file.version, scanned).await?;
    if file.status == Status::Infected {
        let infected = FileInfected {
            file_id: file.id,
            resource,
            owner: file.owner(),
        };
        unit.publish(file.version, infected).await?;
    }
    Ok(())
}

/// Publishes a warning for each threshold that this file made the tenant cross.
async fn publish_quota_warnings(unit: &mut UnitOfWork, used: i64, added: i64) -> Result<()> {
    let limit = usage::storage_limit(&usage::find_tenant_limits(unit).await?);
    let reached = |bytes: i64, percent: i64| {
        i128::from(bytes) * 100 >= i128::from(limit) * i128::from(percent)
    };
    for percent in QUOTA_WARNING_PERCENTS {
        if reached(used, percent) && !reached(used - added, percent) {
            let warning = QuotaWarning {
                percent: StorageThreshold(percent),
                used_bytes: used,
                limit_bytes: limit,
            };
            unit.publish(used, warning).await?;
        }
    }
    Ok(())
}
