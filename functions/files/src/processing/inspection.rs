//! One pass over the content of a file: it is counted, hashed, sniffed, scanned and copied to the final object.

use std::io;

use aws_lc_rs::digest;
use blob::{Chunks, Key, Source, Store, StoreError};
use bytes::{Bytes, BytesMut};

use crate::{
    App,
    domain::media_type::{self, SniffedType},
    scanner::{Scan, Verdict},
    store::uploads::Part,
};

/// What was found out about the content of a file.
pub(super) struct Inspection {
    pub(super) size: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) sniffed: SniffedType,
    pub(super) verdict: Verdict,
}

/// The content of all parts, passed to the hash and the scanner while it is copied.
struct InspectedSource<'a> {
    store: &'a Store,
    parts: std::slice::Iter<'a, Part>,
    open: Option<Chunks>,
    hash: digest::Context,
    head: BytesMut,
    size: i64,
    scan: Scan,
}

impl Source for InspectedSource<'_> {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(chunk) = open.next().await? {
                    self.inspect_chunk(&chunk).await?;
                    return Ok(Some(chunk));
                }
                self.open = None;
            }
            let Some(part) = self.parts.next() else {
                return Ok(None);
            };
            if part.begins_at != self.size {
                return Err(io::Error::other("the parts are not contiguous"));
            }
            let key = Key::parse(&part.object_key).map_err(io::Error::other)?;
            let opened = self.store.get(&key, None).await.map_err(io::Error::other)?;
            let opened = opened.ok_or_else(|| io::Error::other("a part is missing"))?;
            if i64::try_from(opened.size()) != Ok(part.size) {
                return Err(io::Error::other("a part has the wrong size"));
            }
            self.open = Some(opened);
        }
    }
}

impl InspectedSource<'_> {
    async fn inspect_chunk(&mut self, chunk: &Bytes) -> io::Result<()> {
        self.hash.update(chunk);
        let missing = media_type::SNIFF_LENGTH
            .saturating_sub(self.head.len())
            .min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        self.size += i64::try_from(chunk.len()).map_err(io::Error::other)?;
        self.scan.feed(chunk).await
    }
}

/// Inspects all parts and copies them to the object `key`.
pub(super) async fn inspect(
    app: &App,
    key: &Key,
    parts: &[Part],
) -> Result<Inspection, StoreError> {
    let mut source = InspectedSource {
        store: &app.store,
        parts: parts.iter(),
        open: None,
        hash: digest::Context::new(&digest::SHA256),
        head: BytesMut::new(),
        size: 0,
        scan: app.scanner.start_scan().await?,
    };
    app.store.put(key, &mut source).await?;
    Ok(Inspection {
        size: source.size,
        sha256: source.hash.finish().as_ref().to_vec(),
        sniffed: media_type::sniff(&source.head),
        verdict: source.scan.finish().await?,
    })
}
