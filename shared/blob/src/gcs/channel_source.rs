//! Passes chunks through a channel to Google's writer.

use std::io;

use bytes::Bytes;
use google_cloud_storage::streaming_source::StreamingSource;
use tokio::sync::mpsc::Receiver;

/// Receives chunks until an explicit `None`.
pub(super) struct ChannelSource {
    receiver: Receiver<Option<Bytes>>,
    is_finished: bool,
}

impl ChannelSource {
    pub(super) fn new(receiver: Receiver<Option<Bytes>>) -> Self {
        Self {
            receiver,
            is_finished: false,
        }
    }
}

impl StreamingSource for ChannelSource {
    type Error = io::Error;

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.is_finished {
            return None;
        }
        match self.receiver.recv().await {
            Some(Some(chunk)) => Some(Ok(chunk)),
            Some(None) => {
                self.is_finished = true;
                None
            }
            None => Some(Err(io::Error::other("the sender was dropped"))),
        }
    }
}
