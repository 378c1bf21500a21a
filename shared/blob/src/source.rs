//! Bytes that come in chunks.

use std::{future::Future, io};

use bytes::Bytes;
use tokio::io::AsyncReadExt;

/// Something that gives bytes, chunk by chunk, to its end.
pub trait Source: Send {
    /// The next chunk; `None` at the end.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;
}

/// Bytes that are there already.
#[derive(Debug)]
pub struct Whole(Option<Bytes>);

impl Whole {
    /// All of them at once.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

impl Source for Whole {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.0.take())
    }
}

/// Bytes of a chunk that is read from a file.
const CHUNK: usize = 128 << 10;

/// The bytes of an object.
#[derive(Debug)]
pub struct Chunks {
    size: u64,
    from: From,
}

#[derive(Debug)]
enum From {
    File(tokio::io::Take<tokio::fs::File>),
    Http(reqwest::Response),
}

impl Chunks {
    pub(crate) fn file(file: tokio::fs::File, size: u64) -> Self {
        Self {
            size,
            from: From::File(file.take(size)),
        }
    }

    pub(crate) fn http(response: reqwest::Response, size: u64) -> Self {
        Self {
            size,
            from: From::Http(response),
        }
    }

    /// How many bytes there are to come from the beginning on.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Source for Chunks {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.from {
            From::File(file) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                file.read_buf(&mut chunk).await?;
                Ok(Some(Bytes::from(chunk)).filter(|chunk| !chunk.is_empty()))
            }
            From::Http(response) => response.chunk().await.map_err(io::Error::other),
        }
    }
}
