//! One contract for every store: a folder, S3 as moto speaks it (`PyPI`, 5.2.5), and Google's store as our own stand-in
//! speaks it (`testkit::fake_gcs`, with the feature `gcp`).
//!
//! What moto can't prove: it takes any signature, so that a real store refuses a changed address is rusty-s3's word; nor how a
//! store behaves that loses its disk, nor AWS's own limits. The stand-in checks signatures, and says itself what it can't
//! prove.
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

/// Chunks of one byte value, and then an end or a failure.
struct Stream {
    left: usize,
    chunk: Bytes,
    fails: bool,
}

impl Stream {
    fn of(chunks: usize, size: usize) -> Self {
        Self {
            left: chunks,
            chunk: Bytes::from(vec![7; size]),
            fails: false,
        }
    }
}

impl Source for Stream {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return if self.fails {
                Err(io::Error::other("cut"))
            } else {
                Ok(None)
            };
        }
        self.left -= 1;
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

async fn keeps_the_contract(store: &Store) {
    // Nothing is there, and nothing is to be removed.
    assert_eq!(read(store, "a/none", None).await, None);
    assert_eq!(store.size(&key("a/none")).await.unwrap(), None);
    store.delete(&key("a/none")).await.unwrap();
    assert_eq!(names(store, "", None).await, [""; 0]);

    // What goes in comes out, in full and in parts; a second one takes the place of the first.
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

    // More than fits into one part of S3, in chunks that don't fit its parts.
    let large = Stream::of(120, 100_003);
    let size = store.put(&key("b/large"), &mut { large }).await.unwrap();
    assert_eq!(size, 120 * 100_003);
    assert_eq!(store.size(&key("b/large")).await.unwrap(), Some(size));
    let middle = read(store, "b/large", Some(9_000_000..9_000_100))
        .await
        .unwrap();
    assert_eq!(middle, [7; 100]);

    // Exactly one part, and a part of no bytes behind it.
    let whole = Stream::of(8, 1 << 20);
    assert_eq!(
        store.put(&key("b/whole"), &mut { whole }).await.unwrap(),
        8 << 20
    );
    assert_eq!(store.size(&key("b/whole")).await.unwrap(), Some(8 << 20));
    store.delete(&key("b/whole")).await.unwrap();

    // A source that fails leaves nothing, neither a small one nor one that had begun to be sent.
    for chunks in [1, 100] {
        let mut cut = Stream {
            fails: true,
            ..Stream::of(chunks, 100_000)
        };
        let failed = store.put(&key("b/cut"), &mut cut).await;
        assert!(matches!(failed, Err(StoreError::Source(_))), "{failed:?}");
        assert_eq!(store.size(&key("b/cut")).await.unwrap(), None);
    }

    // Lists are sorted, begin where they are told to, and know only what begins so.
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

    // Whoever writes at the same time writes whole objects.
    let same = key("c/same");
    let (mut one, mut two) = (Stream::of(3, 10), Stream::of(5, 10));
    let (one, two) = tokio::join!(store.put(&same, &mut one), store.put(&same, &mut two));
    assert_eq!((one.unwrap(), two.unwrap()), (30, 50));
    assert!(matches!(store.size(&same).await.unwrap(), Some(30 | 50)));
}

/// How a browser is told to treat what it gets.
const SHOWN: ResponseHeaders<'_> = ResponseHeaders {
    content_type: "application/pdf",
    disposition: "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%A4~b.pdf",
};

async fn keeps_addresses(store: &Store) {
    let minute = Duration::from_mins(1);
    let file = key("d/file");
    store
        .put(&file, &mut BytesSource::new("hello"))
        .await
        .unwrap();
    let address = store.sign_get(&file, &SHOWN, minute).await;
    let got = reqwest::get(address.unwrap().unwrap()).await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(got.headers()["content-type"], SHOWN.content_type);
    assert_eq!(got.headers()["content-disposition"], SHOWN.disposition);
    assert_eq!(got.bytes().await.unwrap(), "hello");
    let new = key("d/new");
    let address = store.sign_put(&new, 5, minute).await.unwrap().unwrap();
    assert_eq!(send(&address, "12345").await, 200);
    assert_eq!(store.size(&new).await.unwrap(), Some(5));
}

/// Puts bytes as the address wants them.
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
    keeps_the_contract(&store).await;
    assert!(!store.supports_signed_urls());
    let growing: Vec<_> = std::fs::read_dir(folder.join(".growing"))
        .unwrap()
        .collect();
    assert!(growing.is_empty(), "what failed was removed");
    std::fs::remove_dir_all(folder).unwrap();
}
