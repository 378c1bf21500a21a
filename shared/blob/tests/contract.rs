//! One contract for every store: a folder, and S3 as moto speaks it (`PyPI`, 5.2.5).
//!
//! What moto can't prove: it takes any signature, so that a real store refuses a changed address is rusty-s3's word; nor how a
//! store behaves that loses its disk, nor AWS's own limits. Google's store is not among them: no server for it comes from a package registry that
//! takes uploads and gives them back.
#![expect(
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use blob::{Folder, Key, Presented, S3, S3Settings, Source, Store, StoreError, Whole};
use bytes::Bytes;

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
        store.put(&hello, &mut Whole::new("first")).await.unwrap(),
        5
    );
    assert_eq!(
        store
            .put(&hello, &mut Whole::new("hello, world"))
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
            .put(&key("a/empty"), &mut Whole::new(""))
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
        .put(&key("a-b/c"), &mut Whole::new("x"))
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

async fn keeps_addresses(store: &Store) {
    let http = reqwest::Client::new();
    let minute = Duration::from_mins(1);
    store
        .put(&key("d/file"), &mut Whole::new("hello"))
        .await
        .unwrap();
    let shown = Presented {
        content_type: "application/pdf",
        disposition: "attachment; filename=\"a b.pdf\"",
    };
    let address = store
        .sign_get(&key("d/file"), &shown, minute)
        .await
        .unwrap()
        .unwrap();
    let got = http.get(&address).send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(got.headers()["content-type"], "application/pdf");
    assert_eq!(
        got.headers()["content-disposition"],
        "attachment; filename=\"a b.pdf\""
    );
    assert_eq!(got.bytes().await.unwrap(), "hello");
    let address = store.sign_put(&key("d/new"), 5, minute).await;
    let address = address.unwrap().unwrap();
    assert!(address.contains("content-length"), "the length is signed");
    let put = http.put(&address).body("12345").send().await.unwrap();
    assert_eq!(put.status(), 200);
    assert_eq!(store.size(&key("d/new")).await.unwrap(), Some(5));
}

#[tokio::test]
async fn an_address_is_signed_for_one_object_one_method_one_length() {
    let store = Store::S3(s3(1));
    let minute = Duration::from_mins(1);
    let mut signatures = std::collections::BTreeSet::new();
    let mut note = |address: Option<String>| {
        let address = address.unwrap();
        assert!(address.contains("X-Amz-Expires=60"));
        let (_, signature) = address.split_once("X-Amz-Signature=").unwrap();
        signatures.insert(signature.to_owned());
    };
    for name in ["a", "b"] {
        for content_type in ["text/plain", "application/pdf"] {
            let shown = Presented {
                content_type,
                disposition: "inline",
            };
            note(store.sign_get(&key(name), &shown, minute).await.unwrap());
        }
        for size in [5, 6] {
            note(store.sign_put(&key(name), size, minute).await.unwrap());
        }
    }
    assert_eq!(signatures.len(), 8);
}

/// A bucket at this port.
fn s3(port: u16) -> S3 {
    S3::new(S3Settings {
        endpoint: format!("http://127.0.0.1:{port}"),
        bucket: "files".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    })
    .unwrap()
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
    assert!(!store.has_addresses());
    let growing: Vec<_> = std::fs::read_dir(folder.join(".growing"))
        .unwrap()
        .collect();
    assert!(growing.is_empty(), "what failed was removed");
    std::fs::remove_dir_all(folder).unwrap();
}

struct Server {
    child: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The path that `tool.sh` prints for a tool.
fn tool(name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new("infra/scripts/tool.sh")
        .arg(name)
        .current_dir(root)
        .output()
        .ok()?;
    let path = String::from_utf8(found.stdout).ok()?;
    found.status.success().then(|| path.trim().to_owned())
}

/// A server that `command` starts on a port in a folder, and a store of its bucket.
async fn serve(command: impl Fn(u16, &Path) -> Command) -> (Server, Store, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let folder = scratch();
    std::fs::create_dir(&folder).unwrap();
    let child = command(port, &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, folder };
    for _ in 0..1_200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (server, Store::S3(s3(port)), port)
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let Some(moto) = tool("moto_server") else {
        println!("skipped: moto comes by pip, which is not here");
        return;
    };
    let command = |port: u16, _: &Path| {
        let mut command = Command::new(&moto);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command
    };
    let (_server, store, port) = serve(command).await;
    let bucket = format!("http://127.0.0.1:{port}/files");
    let made = reqwest::Client::new().put(bucket).send().await.unwrap();
    assert_eq!(made.status(), 200);
    keeps_the_contract(&store).await;
    keeps_addresses(&store).await;
}
