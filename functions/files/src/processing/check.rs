//! The check of a file: its content is inspected and its status decided.

use access::opaque;
use blob::Key;
use chrono::TimeDelta;
use events::UnitOfWork;
use web::{Problem, RequestInfo, problem::Result};

use super::{
    CLAIM_DURATION,
    inspection::{Inspection, inspect},
};
use crate::{
    App,
    domain::{file::Status, media_type::SniffedType},
    scanner::Verdict,
    store::{
        due::{self, CheckResult, DueFile},
        files::{self, FileRow},
        uploads::{self, ExpectedContent},
    },
};

/// Bytes that even a slow scanner checks per second. The claim on a file is extended accordingly.
const MIN_BYTES_PER_SECOND: i64 = 2 << 20;

impl App {
    pub(super) async fn check(
        &self,
        due: DueFile,
        attempts: i32,
        request: &RequestInfo,
    ) -> Result<()> {
        let mut unit = UnitOfWork::begin_step(self, request, due.tenant).await?;
        let Some(file) = files::find_file_unscoped(&mut unit, due.file).await? else {
            return Ok(());
        };
        let parts = uploads::list_parts(&mut unit, due.file).await?;
        let expected = uploads::find_expected_content(&mut unit, due.file).await?;
        let size: i64 = parts.iter().map(|part| part.size).sum();
        let until = unit.now() + CLAIM_DURATION + TimeDelta::seconds(size / MIN_BYTES_PER_SECOND);
        let status = due::lock_claimed_file(&mut unit, due.file, attempts).await?;
        if !matches!(status, Some(Status::Scanning | Status::ScanFailed)) {
            // Deleted in the meantime, which also scheduled the removal of its content.
            return Ok(());
        }
        due::set_due_at(&mut unit, due.file, Some(until)).await?;
        unit.commit().await?;
        let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
        let inspection = match inspect(self, &key, &parts).await {
            Ok(inspection) => inspection,
            Err(error) => {
                tracing::warn!(%error, attempts, "checking a file failed");
                return self.schedule_retry(due, &file, attempts, request).await;
            }
        };
        let (status, failure) = classify(&file, &inspection, &expected);
        let widths = if status == Status::Clean {
            self.create_previews(due, &file, &key, &inspection, request)
                .await?
        } else {
            Vec::new()
        };
        let result = CheckResult {
            status,
            failure,
            size: inspection.size,
            sha256: Some(&inspection.sha256),
            mime_type: Some(inspection.sniffed.mime_type),
            preview_widths: &widths,
            due_at: Some(self.state.clock().now()),
        };
        self.complete_check(due, attempts, &result, request).await
    }
}

/// The status of the file, and the reason if it is rejected.
fn classify(
    file: &FileRow,
    inspection: &Inspection,
    expected: &ExpectedContent,
) -> (Status, Option<&'static str>) {
    let SniffedType {
        mime_type,
        is_executable,
    } = inspection.sniffed;
    if inspection.verdict == Verdict::Infected {
        (Status::Infected, None)
    } else if expected
        .length
        .is_some_and(|length| length != inspection.size)
    {
        (Status::Rejected, Some("wrong_size"))
    } else if expected
        .expected_sha256
        .as_ref()
        .is_some_and(|expected| !opaque::constant_time_eq(expected, &inspection.sha256))
    {
        (Status::Rejected, Some("checksum_mismatch"))
    } else if !file.category.allows(mime_type, is_executable) {
        (Status::Rejected, Some("type_not_allowed"))
    } else if inspection.size > file.category.max_size() {
        (Status::Rejected, Some("too_large"))
    } else if inspection.verdict == Verdict::TooLarge {
        (Status::Rejected, Some("too_large_to_scan"))
    } else {
        (Status::Clean, None)
    }
}
