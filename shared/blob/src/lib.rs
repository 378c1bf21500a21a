//! Objects: bytes under a key, in a folder, in an S3-compatible store, or in Google Cloud Storage.
//!
//! A store knows nothing of tenants, names or types. An object appears whole or not at all, under a [`Key`] that no client
//! can choose, and it is durable when [`Store::put`] has answered. Bytes stream through, so that memory stays flat whatever
//! the size.

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

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The source of the bytes ended early; nothing was stored.
    #[error("the source failed: {0}")]
    Source(std::io::Error),
    /// The disk, or the way to the store.
    #[error("the store failed: {0}")]
    Io(#[from] std::io::Error),
    /// The store was reached and said no.
    #[error("the store answered: {0}")]
    Refused(String),
    /// The settings can't be used.
    #[error("the store's settings: {0}")]
    Settings(String),
}

/// What a store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An object as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSummary {
    /// Where it is.
    pub key: String,
    /// Its bytes.
    pub size: u64,
}

/// How a browser that follows a signed address is told to treat the object.
#[derive(Clone, Debug)]
pub struct ResponseHeaders<'a> {
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Content-Disposition`.
    pub disposition: &'a str,
}

/// Where and how an object may be put by whoever has this.
#[derive(Clone, Debug)]
pub struct SignedPut {
    /// The address.
    pub url: String,
    /// Headers that the request must have: they were signed, too.
    pub headers: Vec<(&'static str, String)>,
}

/// A place for objects.
#[derive(Clone, Debug)]
pub enum Store {
    /// A folder: for a laptop, and for one server.
    Folder(Folder),
    /// Anything that speaks S3.
    S3(S3),
    /// Google Cloud Storage.
    #[cfg(feature = "gcp")]
    Gcs(Gcs),
}

macro_rules! each {
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
    /// Whether clients can be sent to the store itself.
    pub fn supports_signed_urls(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }

    /// Stores everything that `source` has under this key, in place of what was there. Answers how many bytes that were.
    ///
    /// When the source fails, or this is cancelled, nothing of it is ever seen under the key.
    pub async fn put(&self, key: &Key, source: &mut impl Source) -> Result<u64> {
        each!(self, store => store.put(key, source).await)
    }

    /// The bytes of an object, or of a part of it; `None` when there is none. A range ends at the object's end.
    pub async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Chunks>> {
        each!(self, store => store.get(key, range).await)
    }

    /// How many bytes an object has; `None` when there is none.
    pub async fn size(&self, key: &Key) -> Result<Option<u64>> {
        each!(self, store => store.size(key).await)
    }

    /// Removes an object. Where there is none, that is fine.
    pub async fn delete(&self, key: &Key) -> Result<()> {
        each!(self, store => store.delete(key).await)
    }

    /// At most a thousand objects whose key begins with `prefix` and comes after `after`, in the order of their keys.
    pub async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectSummary>> {
        each!(self, store => store.list(prefix, after).await)
    }

    /// An address at which whoever has it may read this one object for so long; `None` where the store has no addresses.
    pub async fn sign_get(
        &self,
        key: &Key,
        presented: &ResponseHeaders<'_>,
        lifetime: Duration,
    ) -> Result<Option<String>> {
        each!(self, store => store.sign_get(key, presented, lifetime).await)
    }

    /// An address at which whoever has it may put this one object, of exactly this many bytes, for so long; `None` where
    /// the store has no addresses.
    pub async fn sign_put(
        &self,
        key: &Key,
        size: u64,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>> {
        each!(self, store => store.sign_put(key, size, lifetime).await)
    }
}
