//! What happens to a file when nobody waits for it: its check, what is left behind, its end.
//!
//! A row with `due_at` is due then. Whoever comes claims it for a quarter of an hour, does one step, and says when the next is
//! due; a process that dies in between leaves the claim to run out. Every step can be done again.

use std::{io, time::Duration};

use access::opaque;
use aws_lc_rs::digest;
use blob::{Chunks, Key, Source, Store, StoreError, Whole};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, TenantTx};
use ids::{FileId, TenantId};
use serde_json::json;
use tokio::task::JoinHandle;
use web::{Problem, RequestInfo, problem::Result};

use crate::{
    App,
    domain::{
        file::{File, Status},
        kind::{self, Sniffed},
    },
    events::{FILE_INFECTED, FILE_SCANNED, QUOTA_WARNING},
    http::{announce, limit_of, parts_prefix, preview_key, uploads::ADDRESS_LIFETIME},
    previews,
    scanner::{Scan, Verdict},
    store::{
        due::{self, Due, Finding},
        files, uploads,
        uploads::Part,
        usage,
    },
};

/// How long a claim holds.
const CLAIM: TimeDelta = TimeDelta::minutes(15);
/// Bytes that even a slow scanner looks at in a second: a large file is claimed for longer.
const CHECKED_A_SECOND: i64 = 2 << 20;
/// How long a request waits for the check of what it brought.
const PATIENCE: Duration = Duration::from_secs(4);
/// After so many vain attempts the file is said to have failed; it is still tried again, each hour.
const ATTEMPTS: i32 = 8;
/// Shares of its room in percent at which a tenant is warned.
const WARN_AT: [i64; 2] = [80, 95];

/// What a check found out about the bytes.
struct Checked {
    size: i64,
    sha256: Vec<u8>,
    sniffed: Sniffed,
    verdict: Verdict,
}

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

    async fn check(&self, due: Due, attempts: i32, request: &RequestInfo) -> Result<()> {
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(file) = files::find_any_file(&mut tx, due.file).await? else {
            return Ok(());
        };
        let parts = uploads::list_parts(&mut tx, due.file).await?;
        let expected = uploads::find_expected(&mut tx, due.file).await?;
        let size: i64 = parts.iter().map(|part| part.size).sum();
        let until = self.gate.clock().now() + CLAIM + TimeDelta::seconds(size / CHECKED_A_SECOND);
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
            self.preview(&file, &key, &checked).await
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

    /// Writes what was found; what was reserved becomes used, or free again.
    async fn settle(
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

    async fn try_later(
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

    /// Previews are a comfort: without them the file is as good.
    async fn preview(&self, file: &File, key: &Key, checked: &Checked) -> Vec<i32> {
        let Some(format) = previews::format(checked.sniffed.mime_type) else {
            return Vec::new();
        };
        if checked.size.unsigned_abs() > previews::LARGEST {
            return Vec::new();
        }
        let made = async {
            let picture = read(&self.store, key).await?;
            let made = tokio::task::spawn_blocking(move || previews::make(&picture, format))
                .await
                .map_err(io::Error::other)?
                .map_err(io::Error::other)?;
            let mut widths = Vec::new();
            for (width, preview) in made {
                let key = preview_key(file, width)?;
                self.store.put(&key, &mut Whole::new(preview)).await?;
                widths.push(i32::try_from(width).unwrap_or_default());
            }
            Ok::<_, StoreError>(widths)
        };
        made.await.unwrap_or_else(|error| {
            tracing::info!(%error, "a picture without previews");
            Vec::new()
        })
    }

    /// Removes what is not needed any more of a file that is settled: parts, and where it is to be given to nobody, everything.
    async fn tidy(&self, due: Due) -> Result<()> {
        let now = self.gate.clock().now();
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        let Some(settled) = due::find_settled(&mut tx, due.file, now + CLAIM).await? else {
            return Ok(());
        };
        tx.commit().await?;
        let unavailable = |error: StoreError| {
            tracing::warn!(%error, "objects are left to the next time");
            web::problem::UNAVAILABLE.problem()
        };
        let mut prefixes = vec![format!("{}/", parts_prefix(due.tenant, due.file))];
        if settled.status != Status::Clean {
            // The object, and its previews behind a hyphen.
            prefixes.push(settled.object_key);
        }
        for prefix in prefixes {
            remove_all(&self.store, &prefix)
                .await
                .map_err(unavailable)?;
        }
        let mut tx = self.db.begin(due.tenant, Actor::SYSTEM).await?;
        due::delete_parts(&mut tx, due.file).await?;
        // As long as the client can still put something there, it is looked at once more.
        let late = settled.addressed_at.map(|at| at + ADDRESS_LIFETIME + CLAIM);
        due::set_due(&mut tx, due.file, late.filter(|late| *late > now)).await?;
        tx.commit().await?;
        Ok(())
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

/// The bytes of all parts, seen by the hash and the scanner on their way to the file's own place.
struct Inspection<'a> {
    store: &'a Store,
    parts: std::slice::Iter<'a, Part>,
    open: Option<Chunks>,
    hash: digest::Context,
    head: BytesMut,
    size: i64,
    scan: Scan,
}

impl Source for Inspection<'_> {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(chunk) = open.next().await? {
                    self.see(&chunk).await?;
                    return Ok(Some(chunk));
                }
                self.open = None;
            }
            let Some(part) = self.parts.next() else {
                return Ok(None);
            };
            if part.begins_at != self.size {
                return Err(io::Error::other("the parts do not meet"));
            }
            let key = Key::parse(&part.object_key).map_err(io::Error::other)?;
            let opened = self.store.get(&key, None).await.map_err(io::Error::other)?;
            let opened = opened.ok_or_else(|| io::Error::other("a part is missing"))?;
            if i64::try_from(opened.size()) != Ok(part.size) {
                return Err(io::Error::other("a part has another size"));
            }
            self.open = Some(opened);
        }
    }
}

impl Inspection<'_> {
    async fn see(&mut self, chunk: &Bytes) -> io::Result<()> {
        self.hash.update(chunk);
        let wanted = kind::HEAD.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..wanted]);
        self.size += i64::try_from(chunk.len()).map_err(io::Error::other)?;
        self.scan.feed(chunk).await
    }
}

async fn inspect(app: &App, key: &Key, parts: &[Part]) -> Result<Checked, StoreError> {
    let mut inspection = Inspection {
        store: &app.store,
        parts: parts.iter(),
        open: None,
        hash: digest::Context::new(&digest::SHA256),
        head: BytesMut::new(),
        size: 0,
        scan: app.scanner.begin().await?,
    };
    app.store.put(key, &mut inspection).await?;
    Ok(Checked {
        size: inspection.size,
        sha256: inspection.hash.finish().as_ref().to_vec(),
        sniffed: kind::sniff(&inspection.head),
        verdict: inspection.scan.finish().await?,
    })
}

async fn read(store: &Store, key: &Key) -> Result<Bytes, StoreError> {
    let mut chunks = store
        .get(key, None)
        .await?
        .ok_or_else(|| io::Error::other("the object is missing"))?;
    let mut all = BytesMut::new();
    while let Some(chunk) = chunks.next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// Removes every object whose key begins so.
async fn remove_all(store: &Store, prefix: &str) -> Result<(), StoreError> {
    loop {
        let found = store.list(prefix, None).await?;
        if found.is_empty() {
            return Ok(());
        }
        for object in found {
            let key = Key::parse(&object.key).map_err(io::Error::other)?;
            store.delete(&key).await?;
        }
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
