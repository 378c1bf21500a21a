//! Bytes on their way from a request into the store.

use std::io;

use aws_lc_rs::digest;
use blob::{Key, Source};
use bytes::Bytes;
use ids::{FileId, TenantId};
use web::{Incoming, incoming::Cut, problem::Result};

use super::parts_prefix;

/// A place for a part that no other request writes to: what is stored is never overwritten by somebody who comes late.
pub(super) fn part_key(tenant: TenantId, file: FileId, begins_at: i64) -> Result<Key> {
    let salt = u64::from_be_bytes(access::opaque::random());
    let prefix = parts_prefix(tenant, file);
    Key::parse(&format!("{prefix}/{begins_at:020}-{salt:016x}")).map_err(web::Problem::internal)
}

/// A body up to its end, or to where it breaks off: what has come is kept.
pub(super) struct Piece {
    incoming: Incoming,
    left: u64,
    pub(super) hash: Option<digest::Context>,
    /// Why it ended before its end.
    pub(super) cut: Option<Cut>,
    /// It is longer than it may be.
    pub(super) is_too_long: bool,
}

impl Piece {
    /// Of at most so many bytes.
    pub(super) fn new(
        incoming: Incoming,
        most: u64,
        algorithm: Option<&'static digest::Algorithm>,
    ) -> Self {
        Self {
            incoming,
            left: most,
            hash: algorithm.map(digest::Context::new),
            cut: None,
            is_too_long: false,
        }
    }
}

impl Source for Piece {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.incoming.next().await {
            Ok(Some(bytes)) => {
                let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
                    self.is_too_long = true;
                    return Err(io::Error::other("too long"));
                };
                self.left = left;
                if let Some(hash) = &mut self.hash {
                    hash.update(&bytes);
                }
                Ok(Some(bytes))
            }
            Ok(None) => Ok(None),
            Err(cut) => {
                self.cut = Some(cut);
                Ok(None)
            }
        }
    }
}
