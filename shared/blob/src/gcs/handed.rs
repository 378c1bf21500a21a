//! Chunks from whoever has them to Google's writer.

use std::io;

use bytes::Bytes;
use google_cloud_storage::streaming_source::StreamingSource;
use tokio::sync::mpsc::Receiver;

/// What is handed over, chunk by chunk, until `None` says that this was all.
pub(super) struct Handed {
    taken: Receiver<Option<Bytes>>,
    is_over: bool,
}

impl Handed {
    pub(super) fn new(taken: Receiver<Option<Bytes>>) -> Self {
        Self {
            taken,
            is_over: false,
        }
    }
}

impl StreamingSource for Handed {
    type Error = io::Error;

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.is_over {
            return None;
        }
        match self.taken.recv().await {
            Some(Some(chunk)) => Some(Ok(chunk)),
            Some(None) => {
                self.is_over = true;
                None
            }
            None => Some(Err(io::Error::other("whoever had the bytes is gone"))),
        }
    }
}
