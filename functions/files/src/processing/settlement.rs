//! How a check ends: with a finding, or with another attempt.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, TenantTx};
use serde_json::json;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    domain::file::{File, Status},
    events::{FILE_INFECTED, FILE_SCANNED, QUOTA_WARNING},
    http::{announce, limit_of},
    store::{
        due::{self, Due, Finding},
        files, usage,
    },
};

/// After so many vain attempts the file is said to have failed; it is still tried again, each hour.
const ATTEMPTS: i32 = 8;
/// Shares of its room in percent at which a tenant is warned.
const WARN_AT: [i64; 2] = [80, 95];

impl App {
    /// Writes what was found; what was reserved becomes used, or free again.
    pub(super) async fn settle(
        &self,
        due: Due,
        attempts: i32,
        finding: &Finding<'_>,
        request: &RequestInfo,
    ) -> Result<()> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let standing = due::lock_claimed(&mut tx, due.file, attempts).await?;
        if !matches!(standing, Some(Status::Scanning | Status::ScanFailed)) {
            // Deleted meanwhile, or another process was faster.
            return Ok(());
        }
        due::settle_file(&mut tx, due.file, finding, now).await?;
        let file = files::find_any_file(&mut tx, due.file)
            .await?
            .ok_or(&web::problem::NOT_FOUND)?;
        if finding.status == Status::Clean {
            for gone in files::supersede(&mut tx, &file, now, now).await? {
                let old = files::find_deleted_size(&mut tx, gone).await?;
                usage::give_back(&mut tx, old).await?;
                usage::note_usage(&mut tx, gone, -old, now).await?;
            }
            let (used, _) = usage::settle(&mut tx, due.file, file.size).await?;
            usage::note_usage(&mut tx, due.file, file.size, now).await?;
            warn(&mut tx, request, now, used, file.size).await?;
        } else {
            usage::release(&mut tx, due.file).await?;
        }
        tell(&mut tx, request, now, &file).await?;
        tx.commit().await?;
        metrics::counter!("files_checked_total", "became" => finding.status.as_str()).increment(1);
        Ok(())
    }

    /// The check could not be done: another attempt, after longer and longer pauses.
    pub(super) async fn try_later(
        &self,
        due: Due,
        file: &File,
        attempts: i32,
        request: &RequestInfo,
    ) -> Result<()> {
        let now = self.gate.clock().now();
        let failed = attempts >= ATTEMPTS;
        let pause = if failed {
            TimeDelta::hours(1)
        } else {
            TimeDelta::seconds(30) * (1 << attempts.clamp(0, 6))
        };
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let standing = due::lock_claimed(&mut tx, due.file, attempts).await?;
        if matches!(standing, Some(Status::Scanning | Status::ScanFailed)) {
            if failed && file.status == Status::Scanning {
                let finding = Finding {
                    status: Status::ScanFailed,
                    failure: Some("not_checked"),
                    size: 0,
                    sha256: None,
                    mime_type: None,
                    preview_widths: &[],
                    due_at: None,
                };
                due::settle_file(&mut tx, due.file, &finding, now).await?;
                let failed = files::find_any_file(&mut tx, due.file)
                    .await?
                    .ok_or(&web::problem::NOT_FOUND)?;
                tell(&mut tx, request, now, &failed).await?;
            }
            due::set_due(&mut tx, due.file, Some(now + pause)).await?;
        }
        tx.commit().await?;
        metrics::counter!("files_checked_total", "became" => "later").increment(1);
        Ok(())
    }
}

async fn tell(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    file: &File,
) -> Result<()> {
    let resource = file
        .resource
        .resource()
        .map(|resource| resource.to_string());
    let data = json!({
        "file_id": file.id, "status": file.status, "category": file.category, "resource": resource,
    });
    announce(tx, request, now, &FILE_SCANNED, file, data).await?;
    if file.status == Status::Infected {
        let data = json!({"file_id": file.id, "resource": resource, "owner": file.owner});
        announce(tx, request, now, &FILE_INFECTED, file, data).await?;
    }
    Ok(())
}

/// Warns once for each share that this file has brought the tenant over.
async fn warn(
    tx: &mut TenantTx,
    request: &RequestInfo,
    now: DateTime<Utc>,
    used: i64,
    added: i64,
) -> Result<()> {
    let limit = limit_of(&usage::find_limits(tx).await?);
    let reached = |bytes: i64, percent: i64| {
        i128::from(bytes) * 100 >= i128::from(limit) * i128::from(percent)
    };
    for percent in WARN_AT {
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
