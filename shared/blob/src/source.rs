//! Byte streams.

#[cfg(feature = "gcp")]
use std::time::Duration;
use std::{future::Future, io};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use crate::{Result, StoreError};

/// A source of bytes, chunk by chunk.
pub trait Source: Send {
    /// The next chunk; `None` at the end.
    fn next(&mut self) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;
}

/// Bytes in memory.
#[derive(Debug)]
pub struct BytesSource(Option<Bytes>);

impl BytesSource {
    /// Creates a source of a single chunk.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

impl Source for BytesSource {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.0.take())
    }
}

/// Part size of multipart uploads in bytes. S3 requires known lengths and parts of at least 5 MiB, Google multiples of 256 KiB.
pub(crate) const PART_SIZE: usize = 8 << 20;

/// Reads a part from the source: shorter than [`PART_SIZE`] only at the end.
pub(crate) async fn read_part(source: &mut impl Source) -> Result<Bytes> {
    let mut part = BytesMut::new();
    while part.len() < PART_SIZE {
        match source.next().await.map_err(StoreError::Source)? {
            Some(chunk) => part.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(part.freeze())
}

/// Time limit of a request to Google Cloud Storage, including retries by its client.
#[cfg(feature = "gcp")]
pub(crate) const GCS_TIMEOUT: Duration = Duration::from_mins(1);

/// Chunk size for reading files, in bytes.
const CHUNK_SIZE: usize = 128 << 10;

/// The byte stream of an object.
#[derive(Debug)]
pub struct Chunks {
    size: u64,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    File(tokio::io::Take<tokio::fs::File>),
    Http(reqwest::Response),
    #[cfg(feature = "gcp")]
    Google(google_cloud_storage::read_object::ReadObjectResponse),
    Empty,
}

impl Chunks {
    pub(crate) fn file(file: tokio::fs::File, size: u64) -> Self {
        Self {
            size,
            inner: Inner::File(file.take(size)),
        }
    }

    pub(crate) fn http(response: reqwest::Response, size: u64) -> Self {
        Self {
            size,
            inner: Inner::Http(response),
        }
    }

    #[cfg(feature = "gcp")]
    pub(crate) fn google(
        response: google_cloud_storage::read_object::ReadObjectResponse,
        size: u64,
    ) -> Self {
        Self {
            size,
            inner: Inner::Google(response),
        }
    }

    pub(crate) fn empty() -> Self {
        Self {
            size: 0,
            inner: Inner::Empty,
        }
    }

    /// Total number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Source for Chunks {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.inner {
            Inner::File(file) => {
                let mut chunk = Vec::with_capacity(CHUNK_SIZE);
                file.read_buf(&mut chunk).await?;
                Ok(Some(Bytes::from(chunk)).filter(|chunk| !chunk.is_empty()))
            }
            Inner::Http(response) => response.chunk().await.map_err(io::Error::other),
            #[cfg(feature = "gcp")]
            Inner::Google(response) => tokio::time::timeout(GCS_TIMEOUT, response.next())
                .await?
                .transpose()
                .map_err(io::Error::other),
            Inner::Empty => Ok(None),
        }
    }
}
