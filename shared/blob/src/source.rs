//! Bytes that come in chunks.

use std::{future::Future, io};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use crate::{Result, StoreError};

/// Something that gives bytes, chunk by chunk, to its end.
pub trait Source: Send {
    /// The next chunk; `None` at the end.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;
}

/// Bytes that are there already.
#[derive(Debug)]
pub struct BytesSource(Option<Bytes>);

impl BytesSource {
    /// All of them at once.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

impl Source for BytesSource {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.0.take())
    }
}

/// What is read into memory before it is sent: S3 wants to know the length of everything, and parts of at least 5 MiB;
/// Google wants multiples of 256 KiB.
pub(crate) const PART: usize = 8 << 20;

/// A part of the source: less than [`PART`] only at its end.
pub(crate) async fn fill(source: &mut impl Source) -> Result<Bytes> {
    let mut part = BytesMut::new();
    while part.len() < PART {
        match source.next().await.map_err(StoreError::Source)? {
            Some(chunk) => part.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(part.freeze())
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
    #[cfg(feature = "gcp")]
    Google(google_cloud_storage::read_object::ReadObjectResponse),
    Nothing,
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

    #[cfg(feature = "gcp")]
    pub(crate) fn google(
        response: google_cloud_storage::read_object::ReadObjectResponse,
        size: u64,
    ) -> Self {
        Self {
            size,
            from: From::Google(response),
        }
    }

    pub(crate) fn nothing() -> Self {
        Self {
            size: 0,
            from: From::Nothing,
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
            #[cfg(feature = "gcp")]
            From::Google(response) => tokio::time::timeout(crate::gcs::PATIENCE, response.next())
                .await?
                .transpose()
                .map_err(io::Error::other),
            From::Nothing => Ok(None),
        }
    }
}
