//! Scanning with a fake clamd that implements `INSTREAM`. `clamd.rs` tests the real one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use files::Scanner;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{Fixture, eicar, form, noise, previews::png, upload};

/// Maximum length of a stream in bytes.
const MAX_STREAM_LENGTH: usize = 100_000;

/// Serves a scanner and counts its connections.
fn serve_scanner(listener: TcpListener) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(handle_scan(stream));
        }
    });
    asked
}

async fn handle_scan(mut stream: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut all = Vec::new();
    loop {
        let length = stream.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        let begin = all.len();
        all.resize(begin + length, 0);
        stream.read_exact(&mut all[begin..]).await?;
        if all.len() > MAX_STREAM_LENGTH {
            return stream
                .write_all(b"INSTREAM size limit exceeded. ERROR\0")
                .await;
        }
    }
    let is_infected = all.windows(eicar().len()).any(|window| window == eicar());
    let response = if is_infected {
        &b"stream: Eicar FOUND\0"[..]
    } else {
        b"stream: OK\0"
    };
    stream.write_all(response).await
}

/// Starts a scanner on a free port and counts its connections.
pub(crate) async fn start_scanner() -> (Scanner, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (Scanner::Tcp(address), serve_scanner(listener))
}

async fn fixture() -> (Fixture, Arc<AtomicUsize>) {
    let (scanner, asked) = start_scanner().await;
    (Fixture::with_scanner(scanner).await, asked)
}

#[tokio::test]
async fn infected_files_cannot_be_downloaded_and_use_no_storage() {
    let (fixture, asked) = fixture().await;
    let customer = fixture.customer();
    form(&customer, "", "eicar.txt", &eicar())
        .send()
        .await
        .expect_problem(403, "file_refused");
    let own = customer.get("/api/v1/files").await.json()["items"][0].clone();
    assert_eq!(own["status"], "infected", "the owner sees the status");
    let path = format!("/api/v1/files/{}", own["id"].as_str().unwrap());
    for client in [&customer, &fixture.admin()] {
        let got = client.get(&format!("{path}/content")).await;
        assert!(matches!(got.status.as_u16(), 403 | 404), "{}", got.status);
        let link = client.get(&format!("{path}/link")).await;
        assert!(matches!(link.status.as_u16(), 403 | 404), "{}", link.status);
    }
    assert_eq!(fixture.admin().get(&path).await.status, 404);
    assert_eq!(fixture.storage_usage().await, (0, 0));
    assert_eq!(fixture.objects().await, [""; 0]);
    assert!(
        fixture
            .event_types()
            .await
            .contains(&"file.infected.v1".to_owned())
    );

    upload(&customer, "harmless.txt", b"harmless").await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn files_cannot_be_downloaded_until_the_scanner_is_available() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let fixture = Fixture::with_scanner(Scanner::Tcp(address.to_string())).await;
    let file = upload(&fixture.customer(), "a.txt", b"hello").await;
    assert_eq!(file.json()["status"], "scanning");
    let path = format!("/api/v1/files/{}", file.id());
    fixture
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect_problem(409, "file_not_ready");
    assert_eq!(fixture.admin().get(&path).await.status, 404);
    assert_eq!(fixture.storage_usage().await.0, 0);
    for _ in 0..8 {
        fixture.app.clock.advance(Duration::from_hours(1));
        fixture.run_job("tend-files").await;
    }
    let failed = fixture.customer().get(&path).await.expect(200).json();
    assert_eq!(failed["status"], "scan_failed");
    fixture
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect_problem(403, "file_refused");

    let asked = serve_scanner(TcpListener::bind(address).await.unwrap());
    fixture.app.clock.advance(Duration::from_hours(1));
    fixture.run_job("tend-files").await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let read = fixture.customer().get(&path).await.expect(200).json();
    assert_eq!(read["status"], "clean");
    let got = fixture
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect(200);
    assert_eq!(got.text(), "hello");
    assert_eq!(fixture.storage_usage().await, (5, 0));
}

#[tokio::test]
async fn files_too_large_to_scan_are_rejected() {
    let (fixture, _) = fixture().await;
    form(&fixture.customer(), "", "large", &noise(4 << 20))
        .send()
        .await
        .expect_problem(403, "file_refused");
    let own = fixture.customer().get("/api/v1/files").await.json()["items"][0].clone();
    assert_eq!(own["status"], "rejected");
    assert_eq!(own["failure"], "too_large_to_scan");
    assert_eq!(fixture.storage_usage().await, (0, 0));
}

#[tokio::test]
async fn an_image_whose_previews_crashed_a_process_is_clean_without_previews() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let fixture = Fixture::with_scanner(Scanner::Tcp(address.to_string())).await;
    let intact = upload(&fixture.customer(), "a.png", &png(400, 400)).await;
    let crashing = upload(&fixture.customer(), "b.png", &png(400, 400)).await;
    // The state after a process was killed while it generated the previews.
    sqlx::query("update files.files set previews_begun = true where file_id = $1::uuid")
        .bind(crashing.id())
        .execute(&mut fixture.app.admin().await)
        .await
        .unwrap();
    serve_scanner(TcpListener::bind(address).await.unwrap());
    fixture.app.clock.advance(Duration::from_mins(15));
    fixture.run_job("tend-files").await;
    for (file, widths) in [(intact, vec![96, 320]), (crashing, vec![])] {
        let path = format!("/api/v1/files/{}", file.id());
        let read = fixture.customer().get(&path).await.expect(200).json();
        assert_eq!(read["status"], "clean");
        assert_eq!(read["preview_widths"], serde_json::json!(widths));
    }
}
