//! The published client, tus-js-client, against our own endpoint.

use std::{path::Path, process::Command};

use tokio::net::TcpListener;

use crate::{Place, folder, noise, sha256};

#[tokio::test]
async fn the_published_client_uploads_resumes_and_gives_up() {
    let Some(modules) = testkit::tool("tus-js-client") else {
        return;
    };
    let place = Place::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::server::serve(
        listener,
        place.app.router(),
        std::future::pending(),
    ));
    let content = noise(3_000_000);
    let source = folder();
    std::fs::write(&source, &content).unwrap();
    let token = place.app.token(&place.demo.customer);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tus-js-client.mjs");
    let arguments = [
        script.display().to_string(),
        modules.display().to_string(),
        format!("{base}/api/v1/files/uploads"),
        token,
        source.display().to_string(),
    ];
    let ran =
        tokio::task::spawn_blocking(move || Command::new("node").args(arguments).output().unwrap());
    let ran = ran.await.unwrap();
    let _ = std::fs::remove_file(source);
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    println!("{told}");
    let list = place
        .customer()
        .get("/api/v1/files")
        .await
        .expect(200)
        .json();
    let files = list["items"].as_array().unwrap();
    assert_eq!(files.len(), 2, "{list}");
    for file in files {
        assert_eq!(file["status"], "clean");
        assert_eq!(file["name"], "Film ä.bin");
        assert_eq!(file["sha256"], sha256(&content).as_str());
    }
    assert_eq!(place.room().await, (6_000_000, 0));
}
