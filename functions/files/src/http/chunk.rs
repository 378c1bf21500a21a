//! The body of a request as a source for the object store.

use std::io;

use aws_lc_rs::digest;
use blob::Source;
use bytes::Bytes;
use web::{Incoming, incoming::BodyError};

/// A chunk of an upload. If the connection breaks, the data received so far is kept.
pub(super) struct Chunk {
    incoming: Incoming,
    remaining: u64,
    pub(super) hash: Option<digest::Context>,
    /// Why the body ended early.
    pub(super) interruption: Option<BodyError>,
    /// Whether the body is longer than allowed.
    pub(super) is_too_long: bool,
}

impl Chunk {
    /// A chunk of at most `max_length` bytes.
    pub(super) fn new(
        incoming: Incoming,
        max_length: u64,
        algorithm: Option<&'static digest::Algorithm>,
    ) -> Self {
        Self {
            incoming,
            remaining: max_length,
            hash: algorithm.map(digest::Context::new),
            interruption: None,
            is_too_long: false,
        }
    }
}

impl Source for Chunk {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.incoming.next().await {
            Ok(Some(bytes)) => {
                let Some(remaining) = self.remaining.checked_sub(bytes.len() as u64) else {
                    self.is_too_long = true;
                    return Err(io::Error::other("too long"));
                };
                self.remaining = remaining;
                if let Some(hash) = &mut self.hash {
                    hash.update(&bytes);
                }
                Ok(Some(bytes))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.interruption = Some(error);
                Ok(None)
            }
        }
    }
}
