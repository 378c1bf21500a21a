//! Contract tests of all stores: a folder, S3 with moto (`PyPI`, 5.2.5), and Google Cloud Storage with our own emulator
//! (`testkit::fake_gcs`, with the feature `gcp`).
//!
//! Not covered: moto accepts any signature, so we rely on rusty-s3 for S3 signatures; disk failures of a store; AWS's own
//! limits. The emulator verifies signatures and documents its own limitations.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

#[cfg(feature = "gcp")]
mod gcs;
mod s3;

use std::{io, path::PathBuf, time::Duration};

use blob::{BytesSource, Folder, Key, ResponseHeaders, SignedPut, Source, Store, StoreError};
use bytes::Bytes;
use reqwest::StatusCode;

/// Chunks of one byte value, followed by the end or a failure.
struct Stream {
    remaining: usize,
    chunk: Bytes,
    fails: bool,
}

impl Stream {
    fn of(chunks: usize, size: usize) -> Self {
        Self {
            remaining: chunks,
            chunk: Bytes::from(vec![7; size]),
            fails: false,
        }
    }
}

impl Source for Stream {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.remaining == 0 {
            return if self.fails {
                Err(io::Error::other("cut"))
            } else {
                Ok(None)
            };
        }
        self.remaining -= 1;
        Ok(Some(self.chunk.clone()))
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

async fn read(store: &Store, name: &str, range: Option<std::ops::Range<u64>>) -> Option<Vec<u8>> {
    let mut chunks = store.get(&key(name), range).await.unwrap()?;
    let (mut all, size) = (Vec::new(), chunks.size());
    while let Some(chunk) = chunks.next().await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert_eq!(all.len() as u64, size);
    Some(all)
}

async fn names(store: &Store, prefix: &str, after: Option<&str>) -> Vec<String> {
    let listed = store.list(prefix, after).await.unwrap();
    listed.into_iter().map(|object| object.key).collect()
}

async fn check_contract(store: &Store) {
    // Missing objects.
    assert_eq!(read(store, "a/none", None).await, None);
    assert_eq!(store.size(&key("a/none")).await.unwrap(), None);
    store.delete(&key("a/none")).await.unwrap();
    assert_eq!(names(store, "", None).await, [""; 0]);

    // Objects are read in full and in ranges; a second write replaces the first.
    let hello = key("a/hello");
    assert_eq!(
        store
            .put(&hello, &mut BytesSource::new("first"))
            .await
            .unwrap(),
        5
    );
    assert_eq!(
        store
            .put(&hello, &mut BytesSource::new("hello, world"))
            .await
            .unwrap(),
        12
    );
    assert_eq!(read(store, "a/hello", None).await.unwrap(), b"hello, world");
    assert_eq!(store.size(&hello).await.unwrap(), Some(12));
    for (range, expected) in [
        (0..5, "hello"),
        (7..12, "world"),
        (7..99, "world"),
        (3..3, ""),
    ] {
        assert_eq!(
            read(store, "a/hello", Some(range)).await.unwrap(),
            expected.as_bytes()
        );
    }
    assert_eq!(
        store
            .put(&key("a/empty"), &mut BytesSource::new(""))
            .await
            .unwrap(),
        0
    );
    assert_eq!(read(store, "a/empty", None).await.unwrap(), b"");

    // Larger than one S3 part, in chunks that are not aligned with the parts.
    let large = Stream::of(120, 100_003);
    let size = store.put(&key("b/large"), &mut { large }).await.unwrap();
    assert_eq!(size, 120 * 100_003);
    assert_eq!(store.size(&key("b/large")).await.unwrap(), Some(size));
    let middle = read(store, "b/large", Some(9_000_000..9_000_100))
        .await
        .unwrap();
    assert_eq!(middle, [7; 100]);

    // Exactly one part, followed by an empty one.
    let whole = Stream::of(8, 1 << 20);
    assert_eq!(
        store.put(&key("b/whole"), &mut { whole }).await.unwrap(),
        8 << 20
    );
    assert_eq!(store.size(&key("b/whole")).await.unwrap(), Some(8 << 20));
    store.delete(&key("b/whole")).await.unwrap();

    // A failing source leaves nothing behind, whether small or already being uploaded.
    for chunks in [1, 100] {
        let mut cut = Stream {
            fails: true,
            ..Stream::of(chunks, 100_000)
        };
        let failed = store.put(&key("b/cut"), &mut cut).await;
        assert!(matches!(failed, Err(StoreError::Source(_))), "{failed:?}");
        assert_eq!(store.size(&key("b/cut")).await.unwrap(), None);
    }

    // Listings are sorted, start after the given key, and are limited to the prefix.
    store
        .put(&key("a-b/c"), &mut BytesSource::new("x"))
        .await
        .unwrap();
    assert_eq!(
        names(store, "", None).await,
        ["a-b/c", "a/empty", "a/hello", "b/large"]
    );
    assert_eq!(names(store, "a/", None).await, ["a/empty", "a/hello"]);
    assert_eq!(names(store, "a/h", None).await, ["a/hello"]);
    assert_eq!(
        names(store, "", Some("a/empty")).await,
        ["a/hello", "b/large"]
    );
    assert_eq!(names(store, "c", None).await, [""; 0]);
    store.delete(&hello).await.unwrap();
    assert_eq!(read(store, "a/hello", None).await, None);

    // Concurrent writes are atomic.
    let same = key("c/same");
    let (mut one, mut two) = (Stream::of(3, 10), Stream::of(5, 10));
    let (one, two) = tokio::join!(store.put(&same, &mut one), store.put(&same, &mut two));
    assert_eq!((one.unwrap(), two.unwrap()), (30, 50));
    assert!(matches!(store.size(&same).await.unwrap(), Some(30 | 50)));
}

/// Response headers of signed downloads.
const RESPONSE_HEADERS: ResponseHeaders<'_> = ResponseHeaders {
    content_type: "application/pdf",
    disposition: "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%A4~b.pdf",
};

async fn check_signed_urls(store: &Store) {
    let minute = Duration::from_mins(1);
    let file = key("d/file");
    store
        .put(&file, &mut BytesSource::new("hello"))
        .await
        .unwrap();
    let address = store.sign_get(&file, &RESPONSE_HEADERS, minute).await;
    let got = reqwest::get(address.unwrap().unwrap()).await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(got.headers()["content-type"], RESPONSE_HEADERS.content_type);
    assert_eq!(
        got.headers()["content-disposition"],
        RESPONSE_HEADERS.disposition
    );
    assert_eq!(got.bytes().await.unwrap(), "hello");
    let new = key("d/new");
    let address = store.sign_put(&new, 5, minute).await.unwrap().unwrap();
    assert_eq!(send(&address, "12345").await, 200);
    assert_eq!(store.size(&new).await.unwrap(), Some(5));
}

/// Uploads bytes with a signed request.
async fn send(address: &SignedPut, bytes: &'static str) -> StatusCode {
    let mut request = reqwest::Client::new().put(&address.url).body(bytes);
    for (name, value) in &address.headers {
        request = request.header(*name, value);
    }
    request.send().await.unwrap().status()
}

fn scratch() -> PathBuf {
    let unique = std::time::Instant::now();
    std::env::temp_dir().join(format!("rvz-blob-{}-{:p}", std::process::id(), &unique))
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = scratch();
    let store = Store::Folder(Folder::new(&folder));
    check_contract(&store).await;
    assert!(!store.supports_signed_urls());
    let incomplete: Vec<_> = std::fs::read_dir(folder.join(".growing"))
        .unwrap()
        .collect();
    assert!(incomplete.is_empty(), "failed uploads were removed");
    std::fs::remove_dir_all(folder).unwrap();
}
