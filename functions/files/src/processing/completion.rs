//! The end of a check: its result is saved, or it is scheduled again.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, TenantTx};
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::file::Status,
    events::{FILE_INFECTED, FILE_SCANNED, QUOTA_WARNING, announce},
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
        let now = self.state.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let status = due::lock_claimed_file(&mut tx, due.file, attempts).await?;
        if !matches!(status, Some(Status::Scanning | Status::ScanFailed)) {
            // Deleted in the meantime, or another process was faster.
            return Ok(());
        }
        due::save_check_result(&mut tx, due.file, result, now).await?;
        let file = files::find_file_unscoped(&mut tx, due.file)
            .await?
            .ok_or(&web::problem::NOT_FOUND)?;
        if result.status == Status::Clean {
            for deleted in files::supersede_revisions(&mut tx, &file, now, now).await? {
                let old_size = files::find_file_size(&mut tx, deleted).await?;
                usage::release_storage(&mut tx, old_size).await?;
                usage::record_usage(&mut tx, deleted, -old_size, now).await?;
            }
            let (used, _) = usage::settle_reservation(&mut tx, due.file, file.size).await?;
            usage::record_usage(&mut tx, due.file, file.size, now).await?;
            announce_quota_warnings(&mut tx, request, now, used, file.size).await?;
        } else {
            usage::release_reservation(&mut tx, due.file).await?;
        }
        announce_result(&mut tx, request, now, &file).await?;
        tx.commit().await?;
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
        let now = self.state.clock().now();
        let has_failed = attempts >= MAX_CHECK_ATTEMPTS;
        let delay = if has_failed {
            TimeDelta::hours(1)
        } else {
            TimeDelta::seconds(30) * (1 << attempts.clamp(0, 6))
        };
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let status = due::lock_claimed_file(&mut tx, due.file, attempts).await?;
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
                due::save_check_result(&mut tx, due.file, &result, now).await?;
                let failed = files::find_file_unscoped(&mut tx, due.file)
                    .await?
                    .ok_or(&web::problem::NOT_FOUND)?;
                announce_result(&mut tx, request, now, &failed).await?;
            }
            due::set_due_at(&mut tx, due.file, Some(now + delay)).await?;
        }
        tx.commit().await?;
        metrics::counter!("files_checked_total", "became" => "later").increment(1);
        Ok(())
    }
}

async fn announce_result(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    file: &FileRow,
) -> Result<()> {
    let resource = file.resource().map(|resource| resource.to_string());
    let data = json!({
        "file_id": file.id, "status": file.status, "category": file.category, "resource": resource,
    });
    announce(tx, request, now, &FILE_SCANNED, (file, file.version), data).await?;
    if file.status == Status::Infected {
        let data = json!({"file_id": file.id, "resource": resource, "owner": file.owner()});
        announce(tx, request, now, &FILE_INFECTED, (file, file.version), data).await?;
    }
    Ok(())
}

/// Publishes a warning for each threshold that this file made the tenant cross.
async fn announce_quota_warnings(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    used: i64,
    added: i64,
) -> Result<()> {
    let limit = usage::storage_limit(&usage::find_tenant_limits(tx).await?);
    let reached = |bytes: i64, percent: i64| {
        i128::from(bytes) * 100 >= i128::from(limit) * i128::from(percent)
    };
    for percent in QUOTA_WARNING_PERCENTS {
        if reached(used, percent) && !reached(used - added, percent) {
            let announcement = ::events::Announcement {
                kind: &QUOTA_WARNING,
                subject: format!("tenants/{}", tx.tenant()),
                version: used,
                data: json!({"percent": percent, "used_bytes": used, "limit_bytes": limit}),
                sealed: None,
            };
            ::events::announce(tx, request, now, announcement).await?;
        }
    }
    Ok(())
}
