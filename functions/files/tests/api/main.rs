//! The files context as its users meet it: HTTP in process, a real database and a folder of objects each.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: a broken expectation is the answer"
)]

mod browser;
mod clamd;
mod direct;
mod forms;
mod jobs;
mod kills;
mod links;
mod lists;
mod pictures;
mod ranges;
mod revisions;
mod room;
mod scans;
mod tus;
mod tus_client;

use std::{path::PathBuf, sync::Arc};

use blob::{Folder, Store};
use bytes::Bytes;
use files::Scanner;
use http::Method;
use serde_json::Value;
use testkit::{Call, Client, ServiceFactory, TestApp, TestResponse, TestTenant};

/// A stage with the function, a tenant, and a store of its own.
struct Place {
    app: TestApp,
    demo: TestTenant,
    store: Store,
    /// Where the store is, if it is a folder.
    folder: PathBuf,
}

impl Place {
    async fn new() -> Self {
        Self::with(Scanner::Disabled).await
    }

    async fn with(scanner: Scanner) -> Self {
        let folder = folder();
        let store = Store::Folder(Folder::new(&folder));
        let mut place = Self::on(store, scanner).await;
        place.folder = folder;
        place
    }

    async fn on(store: Store, scanner: Scanner) -> Self {
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
            folder: folder(),
        }
    }

    fn customer(&self) -> Client {
        self.app.as_user(&self.demo.customer)
    }

    fn admin(&self) -> Client {
        self.app.as_user(&self.demo.admin)
    }

    /// Every object that there is.
    async fn objects(&self) -> Vec<String> {
        let listed = self.store.list("", None).await.unwrap();
        listed.into_iter().map(|object| object.key).collect()
    }

    /// What the tenant may store.
    async fn allow(&self, bytes: i64) {
        sqlx::query("update access.tenants set limits = limits || jsonb_build_object('storage_bytes', $2::bigint) where tenant_id = $1")
            .bind(self.demo.id)
            .bind(bytes)
            .execute(&mut self.app.admin().await)
            .await
            .unwrap();
    }

    /// What is used, and what is reserved.
    async fn room(&self) -> (i64, i64) {
        sqlx::query_as(
            "select used_bytes, reserved_bytes from files.storage_usage where tenant_id = $1",
        )
        .bind(self.demo.id)
        .fetch_optional(&mut self.app.admin().await)
        .await
        .unwrap()
        .unwrap_or_default()
    }

    /// A job runs, now.
    async fn run(&self, job: &str) -> Value {
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

    /// Types of the events that were announced, sorted: time stands still.
    async fn announced(&self) -> Vec<String> {
        sqlx::query_scalar("select replace(type, 'de.revalenz.files.', '') from events.outbox where type like 'de.revalenz.files.%' order by 1")
            .fetch_all(&mut self.app.admin().await)
            .await
            .unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A name for a folder that nobody else has.
fn folder() -> PathBuf {
    let salt = u64::from_be_bytes(access::opaque::random());
    std::env::temp_dir().join(format!("rvz-files-{salt:016x}"))
}

/// A form with one file.
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

/// An uploaded file.
async fn upload(client: &Client, name: &str, content: &[u8]) -> TestResponse {
    form(client, "", name, content).send().await.expect(201)
}

/// Bytes that repeat nowhere soon.
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

/// What every scanner knows, in two halves so that this file is not taken for it.
fn eicar() -> Vec<u8> {
    let halves = [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR",
        "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    halves.concat().into_bytes()
}
