//! Object storage: in a local folder, an S3-compatible store, or Google Cloud Storage.
//!
//! A store knows nothing of tenants, file names or types. Writes are atomic, under a [`Key`] that clients cannot choose, and
//! durable once [`Store::put`] returns. Bytes are streamed, so that memory use does not depend on the size.

mod folder;
#[cfg(feature = "gcp")]
mod gcs;
mod key;
mod s3;
mod source;

use std::{ops::Range, time::Duration};

pub use folder::Folder;
#[cfg(feature = "gcp")]
pub use gcs::Gcs;
pub use key::{Key, KeyError};
pub use s3::{S3, S3Settings};
pub use source::{BytesSource, Chunks, Source};

/// A failed store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The source failed; nothing was stored.
    #[error("the source failed: {0}")]
    Source(std::io::Error),
    /// A disk or network error.
    #[error("the store failed: {0}")]
    Io(#[from] std::io::Error),
    /// The store rejected the request.
    #[error("the store rejected the request: {0}")]
    Refused(String),
    /// The settings are invalid.
    #[error("invalid store settings: {0}")]
    Settings(String),
}

/// Result of store operations.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSummary {
    /// The key.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
}

/// Response headers of a signed download URL.
#[derive(Clone, Debug)]
pub struct ResponseHeaders<'a> {
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Content-Disposition`.
    pub disposition: &'a str,
}

/// A signed upload request.
#[derive(Clone, Debug)]
pub struct SignedPut {
    /// The URL.
    pub url: String,
    /// Headers that the request must have; they are part of the signature.
    pub headers: Vec<(&'static str, String)>,
}

/// An object store.
#[derive(Clone, Debug)]
pub enum Store {
    /// A local folder, for development and single servers.
    Folder(Folder),
    /// An S3-compatible store.
    S3(S3),
    /// Google Cloud Storage.
    #[cfg(feature = "gcp")]
    Gcs(Gcs),
}

macro_rules! dispatch {
    ($self:ident, $store:ident => $do:expr) => {
        match $self {
            Self::Folder($store) => $do,
            Self::S3($store) => $do,
            #[cfg(feature = "gcp")]
            Self::Gcs($store) => $do,
        }
    };
}

impl Store {
    /// Whether the store supports signed URLs, so that clients can access it directly.
    pub fn supports_signed_urls(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }

    /// Stores all bytes of `source` under this key, replacing an existing object. Returns the number of bytes.
    ///
    /// If the source fails or the call is cancelled, the key is unchanged.
    pub async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        dispatch!(self, store => store.put(key, source).await)
    }

    /// Reads an object or a range of it; `None` if it does not exist. A range is truncated at the object's end.
    pub async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        dispatch!(self, store => store.get(key, range).await)
    }

    /// The size of an object in bytes; `None` if it does not exist.
    pub async fn size(&self, key: &Key) -> Result<Option<u64>> {
        dispatch!(self, store => store.size(key).await)
    }

    /// Deletes an object, if it exists.
    pub async fn delete(&self, key: &Key) -> Result<()> {
        dispatch!(self, store => store.delete(key).await)
    }

    /// Lists at most a thousand objects whose keys start with `prefix` and come after `after`, in key order.
    pub async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectSummary>> {
        dispatch!(self, store => store.list(prefix, after).await)
    }

    /// A signed download URL for this object, valid for `lifetime`; `None` if the store does not support signed URLs.
    pub async fn sign_get(
        &self,
        key: &Key,
        headers: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        dispatch!(self, store => store.sign_get(key, headers, lifetime).await)
    }

    /// A signed upload URL for this object with exactly `size` bytes, valid for `lifetime`; `None` if the store does not support
    /// signed URLs.
    pub async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        dispatch!(self, store => store.sign_put(key, size, lifetime).await)
    }
}
