//! Tests of the files context over HTTP, each with its own database and object store.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod browser;
mod clamd;
mod direct;
mod forms;
mod jobs;
mod kills;
mod links;
mod lists;
mod previews;
mod ranges;
mod revisions;
mod scanning;
mod storage_limit;
mod tus;
mod tus_client;

use std::{path::PathBuf, sync::Arc};

use blob::{Folder, Store};
use bytes::Bytes;
use files::Scanner;
use http::Method;
use serde_json::Value;
use testkit::{Call, Client, ServiceFactory, TestApp, TestResponse, TestTenant};

/// An app with the files function, a tenant and an object store.
struct Fixture {
    app: TestApp,
    demo: TestTenant,
    store: Store,
    /// The folder of the object store, removed after the test.
    folder: PathBuf,
}

impl Fixture {
    async fn new() -> Self {
        Self::with_scanner(Scanner::Disabled).await
    }

    async fn with_scanner(scanner: Scanner) -> Self {
        let folder = temp_path();
        let store = Store::Folder(Folder::new(&folder));
        let mut fixture = Self::with_store(store, scanner).await;
        fixture.folder = folder;
        fixture
    }

    async fn with_store(store: Store, scanner: Scanner) -> Self {
        let objects = store.clone();
        let make: ServiceFactory = Arc::new(move |db, state| {
            files::service_with(db, state, objects.clone(), scanner.clone())
        });
        let app = TestApp::from_factories(vec![("files", make)]).await;
        let demo = app.tenant("demo").await;
        Self {
            app,
            demo,
            store,
            folder: temp_path(),
        }
    }

    fn customer(&self) -> Client {
        self.app.as_user(&self.demo.customer)
    }

    fn admin(&self) -> Client {
        self.app.as_user(&self.demo.admin)
    }

    /// The keys of all objects.
    async fn objects(&self) -> Vec<String> {
        let listed = self.store.list("", None).await.unwrap();
        listed.into_iter().map(|object| object.key).collect()
    }

    /// Sets the tenant's storage limit.
    async fn set_storage_limit(&self, bytes: i64) {
        sqlx::query("update access.tenants set limits = limits || jsonb_build_object('storage_bytes', $2::bigint) where tenant_id = $1")
            .bind(self.demo.id)
            .bind(bytes)
            .execute(&mut self.app.admin().await)
            .await
            .unwrap();
    }

    /// The tenant's used and reserved bytes.
    async fn storage_usage(&self) -> (i64, i64) {
        sqlx::query_as(
            "select used_bytes, reserved_bytes from files.storage_usage where tenant_id = $1",
        )
        .bind(self.demo.id)
        .fetch_optional(&mut self.app.admin().await)
        .await
        .unwrap()
        .unwrap_or_default()
    }

    /// Runs a job and returns its report.
    async fn run_job(&self, job: &str) -> Value {
        let header = self.app.state.internal_auth().header().unwrap();
        let platform = self
            .app
            .anonymous()
            .with("authorization", header.to_str().unwrap());
        let path = format!("/internal/jobs/{job}");
        platform
            .call(Method::POST, &path)
            .send()
            .await
            .expect(200)
            .json()
    }

    /// The types of all published events, sorted.
    async fn event_types(&self) -> Vec<String> {
        sqlx::query_scalar("select replace(type, 'de.revalenz.files.', '') from events.outbox where type like 'de.revalenz.files.%' order by 1")
            .fetch_all(&mut self.app.admin().await)
            .await
            .unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A unique path for a temporary folder or file.
fn temp_path() -> PathBuf {
    let salt = u64::from_be_bytes(access::opaque::random());
    std::env::temp_dir().join(format!("rvz-files-{salt:016x}"))
}

/// A request with a form that contains one file.
fn form(client: &Client, query: &str, name: &str, content: &[u8]) -> Call {
    let mut body = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: text/html\r\n\r\n",
        name.replace('"', "%22")
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--limit--\r\n");
    client
        .call(Method::POST, &format!("/api/v1/files{query}"))
        .header("content-type", "multipart/form-data; boundary=limit")
        .header("content-length", &body.len().to_string())
        .bytes(body)
}

/// Uploads a file as a form.
async fn upload(client: &Client, name: &str, content: &[u8]) -> TestResponse {
    form(client, "", name, content).send().await.expect(201)
}

/// Pseudorandom bytes.
fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(length);
    Bytes::from(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    hex(&access::opaque::sha256(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The EICAR test file, in two halves so that scanners do not flag this source file.
fn eicar() -> Vec<u8> {
    let halves = [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR",
        "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    halves.concat().into_bytes()
}
