//! One pass over the bytes of a file: they are counted, hashed, sniffed, scanned, and copied to their own place.

use std::io;

use aws_lc_rs::digest;
use blob::{Chunks, Key, Source, Store, StoreError};
use bytes::{Bytes, BytesMut};

use crate::{
    App,
    domain::kind::{self, Sniffed},
    scanner::{Scan, Verdict},
    store::uploads::Part,
};

/// What a check found out about the bytes.
pub(super) struct Checked {
    pub(super) size: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) sniffed: Sniffed,
    pub(super) verdict: Verdict,
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

/// Looks at all parts, and leaves the file at its own place.
pub(super) async fn inspect(app: &App, key: &Key, parts: &[Part]) -> Result<Checked, StoreError> {
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
