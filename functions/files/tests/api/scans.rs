//! What becomes of a file that nobody, or somebody, has something against. The scanner here is one of ours that speaks clamd's
//! `INSTREAM`; `clamd.rs` asks the real one.

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

use crate::{Place, eicar, form, noise, pictures::png, upload};

/// Bytes of the largest stream that it takes.
const MOST: usize = 100_000;

/// A scanner at this address, and how often it was asked.
fn scanner(listener: TcpListener) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((wire, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer(wire));
        }
    });
    asked
}

async fn answer(mut wire: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    wire.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut all = Vec::new();
    loop {
        let length = wire.read_u32().await? as usize;
        if length == 0 {
            break;
        }
        let begin = all.len();
        all.resize(begin + length, 0);
        wire.read_exact(&mut all[begin..]).await?;
        if all.len() > MOST {
            return wire
                .write_all(b"INSTREAM size limit exceeded. ERROR\0")
                .await;
        }
    }
    let found = all.windows(eicar().len()).any(|window| window == eicar());
    let answer = if found {
        &b"stream: Eicar FOUND\0"[..]
    } else {
        b"stream: OK\0"
    };
    wire.write_all(answer).await
}

/// One that listens, and how often it was asked.
pub(crate) async fn listening() -> (Scanner, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (Scanner::Tcp(address), scanner(listener))
}

async fn place() -> (Place, Arc<AtomicUsize>) {
    let (scanner, asked) = listening().await;
    (Place::with(scanner).await, asked)
}

#[tokio::test]
async fn what_is_harmful_is_given_to_nobody_and_takes_no_room() {
    let (place, asked) = place().await;
    let customer = place.customer();
    form(&customer, "", "eicar.txt", &eicar())
        .send()
        .await
        .expect_problem(403, "file_refused");
    let own = customer.get("/api/v1/files").await.json()["items"][0].clone();
    assert_eq!(
        own["status"], "infected",
        "the owner sees what became of it"
    );
    let path = format!("/api/v1/files/{}", own["id"].as_str().unwrap());
    for client in [&customer, &place.admin()] {
        let got = client.get(&format!("{path}/content")).await;
        assert!(matches!(got.status.as_u16(), 403 | 404), "{}", got.status);
        let link = client.get(&format!("{path}/link")).await;
        assert!(matches!(link.status.as_u16(), 403 | 404), "{}", link.status);
    }
    assert_eq!(place.admin().get(&path).await.status, 404);
    assert_eq!(place.room().await, (0, 0));
    assert_eq!(place.objects().await, [""; 0]);
    assert!(
        place
            .announced()
            .await
            .contains(&"file.infected.v1".to_owned())
    );

    upload(&customer, "harmless.txt", b"harmless").await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn where_nobody_can_scan_nobody_can_read_until_somebody_can() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let place = Place::with(Scanner::Tcp(address.to_string())).await;
    let file = upload(&place.customer(), "a.txt", b"hello").await;
    assert_eq!(file.json()["status"], "scanning");
    let path = format!("/api/v1/files/{}", file.id());
    place
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect_problem(409, "file_not_ready");
    assert_eq!(place.admin().get(&path).await.status, 404);
    assert_eq!(place.room().await.0, 0);
    for _ in 0..8 {
        place.app.clock.advance(Duration::from_hours(1));
        place.run("tend-files").await;
    }
    let failed = place.customer().get(&path).await.expect(200).json();
    assert_eq!(failed["status"], "scan_failed");
    place
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect_problem(403, "file_refused");

    let asked = scanner(TcpListener::bind(address).await.unwrap());
    place.app.clock.advance(Duration::from_hours(1));
    place.run("tend-files").await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let read = place.customer().get(&path).await.expect(200).json();
    assert_eq!(read["status"], "clean");
    let got = place
        .customer()
        .get(&format!("{path}/content"))
        .await
        .expect(200);
    assert_eq!(got.text(), "hello");
    assert_eq!(place.room().await, (5, 0));
}

#[tokio::test]
async fn what_is_too_large_to_be_scanned_is_given_to_nobody() {
    let (place, _) = place().await;
    form(&place.customer(), "", "large", &noise(4 << 20))
        .send()
        .await
        .expect_problem(403, "file_refused");
    let own = place.customer().get("/api/v1/files").await.json()["items"][0].clone();
    assert_eq!(own["status"], "rejected");
    assert_eq!(own["failure"], "too_large_to_scan");
    assert_eq!(place.room().await, (0, 0));
}

#[tokio::test]
async fn a_picture_that_a_process_died_over_is_clean_and_has_no_previews() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let place = Place::with(Scanner::Tcp(address.to_string())).await;
    let sound = upload(&place.customer(), "a.png", &png(400, 400)).await;
    let deadly = upload(&place.customer(), "b.png", &png(400, 400)).await;
    // As a process leaves it that was killed over its previews.
    sqlx::query("update files.files set previews_begun = true where file_id = $1::uuid")
        .bind(deadly.id())
        .execute(&mut place.app.admin().await)
        .await
        .unwrap();
    scanner(TcpListener::bind(address).await.unwrap());
    place.app.clock.advance(Duration::from_mins(15));
    place.run("tend-files").await;
    for (file, widths) in [(sound, vec![96, 320]), (deadly, vec![])] {
        let path = format!("/api/v1/files/{}", file.id());
        let read = place.customer().get(&path).await.expect(200).json();
        assert_eq!(read["status"], "clean");
        assert_eq!(read["preview_widths"], serde_json::json!(widths));
    }
}
