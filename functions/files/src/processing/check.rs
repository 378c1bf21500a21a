//! A check: what the bytes are, and what becomes of the file.

use access::opaque;
use blob::Key;
use chrono::TimeDelta;
use db::Actor;
use web::{Problem, RequestInfo, problem::Result};

use super::{
    CLAIM,
    inspection::{Checked, inspect},
};
use crate::{
    App,
    domain::{
        file::{File, Status},
        kind::Sniffed,
    },
    scanner::Verdict,
    store::{
        due::{self, Due, Finding},
        files, uploads,
    },
};

/// Bytes that even a slow scanner looks at in a second: a large file is claimed for longer.
const CHECKED_A_SECOND: i64 = 2 << 20;

impl App {
    pub(super) async fn check(&self, due: Due, attempts: i32, request: &RequestInfo) -> Result<()> {
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(file) = files::find_any_file(&mut tx, due.file).await? else {
            return Ok(());
        };
        let parts = uploads::list_parts(&mut tx, due.file).await?;
        let expected = uploads::find_expected(&mut tx, due.file).await?;
        let size: i64 = parts.iter().map(|part| part.size).sum();
        let until = self.gate.clock().now() + CLAIM + TimeDelta::seconds(size / CHECKED_A_SECOND);
        let standing = due::lock_claimed(&mut tx, due.file, attempts).await?;
        if !matches!(standing, Some(Status::Scanning | Status::ScanFailed)) {
            // Deleted meanwhile: when its bytes go was said then.
            return Ok(());
        }
        due::set_due(&mut tx, due.file, Some(until)).await?;
        tx.commit().await?;
        let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
        let checked = match inspect(self, &key, &parts).await {
            Ok(checked) => checked,
            Err(error) => {
                tracing::warn!(%error, attempts, "a file could not be checked");
                return self.try_later(due, &file, attempts, request).await;
            }
        };
        let (status, failure) = judge(&file, &checked, &expected);
        let widths = if status == Status::Clean {
            self.preview(due, &file, &key, &checked).await
        } else {
            Vec::new()
        };
        let finding = Finding {
            status,
            failure,
            size: checked.size,
            sha256: Some(&checked.sha256),
            mime_type: Some(checked.sniffed.mime_type),
            preview_widths: &widths,
            due_at: Some(self.gate.clock().now()),
        };
        self.settle(due, attempts, &finding, request).await
    }
}

/// What becomes of the file, and why.
fn judge(
    file: &File,
    checked: &Checked,
    (length, sha256): &(Option<i64>, Option<Vec<u8>>),
) -> (Status, Option<&'static str>) {
    let Sniffed {
        mime_type,
        is_program,
    } = checked.sniffed;
    if checked.verdict == Verdict::Infected {
        (Status::Infected, None)
    } else if length.is_some_and(|length| length != checked.size) {
        (Status::Rejected, Some("wrong_size"))
    } else if sha256
        .as_ref()
        .is_some_and(|wanted| !opaque::same(wanted, &checked.sha256))
    {
        (Status::Rejected, Some("checksum_mismatch"))
    } else if !file.category.allows(mime_type, is_program) {
        (Status::Rejected, Some("type_not_allowed"))
    } else if checked.size > file.category.limit() {
        (Status::Rejected, Some("too_large"))
    } else if checked.verdict == Verdict::TooLarge {
        (Status::Rejected, Some("too_large_to_scan"))
    } else {
        (Status::Clean, None)
    }
}
