//! Uploads survive crashes of the process at random points.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use ids::TenantId;
use testkit::TestApp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use web::Clock;

use crate::{hex, noise, sha256, temp_path};

/// The function as a standalone process.
struct Process {
    child: Child,
    port: u16,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(app: &TestApp, objects: &std::path::Path) -> Process {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = Command::new(env!("CARGO_BIN_EXE_files"))
        .env_clear()
        .env("PORT", port.to_string())
        .env("REVALENZ_ADDRESS", "127.0.0.1")
        .env("DATABASE_URL", app.database.login_url("files"))
        .env("PUBLIC_URL", testkit::PUBLIC_URL)
        .env("REVALENZ_MASTER_KEY", access::Keyring::generate())
        .env("REVALENZ_OBJECTS_FOLDER", objects)
        .env("REVALENZ_CLAMD", "off")
        .env("RUST_LOG", "off")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = Process { child, port };
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the process does not listen");
}

/// Sends a request with only the first `sent` bytes of its body.
async fn send(port: u16, head: &str, body: &[u8], sent: usize) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!(
        "{head}\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.write_all(&body[..sent]).await.unwrap();
    connection.flush().await.unwrap();
    connection
}

/// Sends a complete request and returns a header of the response. Retries on `503`.
async fn ask(port: u16, head: &str, body: &[u8], wanted: &str) -> String {
    for _ in 0..100 {
        let mut connection = send(port, head, body, body.len()).await;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let found = answer
            .lines()
            .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(": "));
        if let Some(value) = found {
            return value.to_owned();
        }
        assert!(answer.starts_with("HTTP/1.1 503"), "{head}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{head}: no answer");
}

#[tokio::test]
async fn an_upload_continues_after_every_crash_without_data_loss() {
    let app = TestApp::new(&[("files", files::service)]).await;
    // The process uses the system clock.
    app.clock.set(Clock::system().now());
    let demo = app.tenant("demo").await;
    let objects = temp_path();
    let content = noise(3_000_000);
    let mut process = start(&app, &objects).await;
    let bearer = format!("Authorization: Bearer {}", app.token(&demo.customer));
    let create = format!(
        "POST /api/v1/files/uploads HTTP/1.1\r\n{bearer}\r\nUpload-Length: {}",
        content.len()
    );
    let upload = ask(process.port, &create, b"", "location").await;
    let (mut crashes, mut offset, mut acknowledged) = (0, 0, 0);
    while offset < content.len() {
        let piece = &content[offset..content.len().min(offset + 400_000)];
        let random = usize::from(u16::from_be_bytes(access::opaque::random()));
        let append = format!(
            "PATCH {upload} HTTP/1.1\r\n{bearer}\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}"
        );
        if crashes < 12 && !random.is_multiple_of(4) {
            // Up to the complete chunk, in which case the process is killed before it responds.
            let sent = (random * 31) % (piece.len() + 1);
            let connection = send(process.port, &append, piece, sent).await;
            tokio::time::sleep(Duration::from_millis(random as u64 % 40)).await;
            drop(process);
            drop(connection);
            crashes += 1;
            process = start(&app, &objects).await;
        } else {
            acknowledged = ask(process.port, &append, piece, "upload-offset")
                .await
                .parse()
                .unwrap();
        }
        let head = format!("HEAD {upload} HTTP/1.1\r\n{bearer}");
        offset = ask(process.port, &head, b"", "upload-offset")
            .await
            .parse()
            .unwrap();
        assert!(
            offset >= acknowledged,
            "{offset} bytes, and {acknowledged} were acknowledged"
        );
    }
    let file = upload.rsplit('/').next().unwrap();
    // Expire the claim of a process that was killed during the check.
    sqlx::query(
        "update files.files set due_at = least(due_at, created_at) where status = 'scanning'",
    )
    .execute(&mut app.admin().await)
    .await
    .unwrap();
    let complete = format!("POST /api/v1/uploads/{file}/complete HTTP/1.1\r\n{bearer}");
    ask(process.port, &complete, b"", "etag").await;
    let mut hash = String::new();
    for _ in 0..200 {
        let found: Option<Vec<u8>> = sqlx::query_scalar("select sha256 from files.files where tenant_id = $1 and file_id = $2::uuid and status = 'clean'")
            .bind::<TenantId>(demo.id)
            .bind(file)
            .fetch_optional(&mut app.admin().await)
            .await
            .unwrap()
            .flatten();
        if let Some(found) = found {
            hash = hex(&found);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(hash, sha256(&content));
    println!(
        "{crashes} crashes, {} bytes, the hash matches",
        content.len()
    );
    assert!(crashes > 3);
    drop(process);
    let _ = std::fs::remove_dir_all(objects);
}
