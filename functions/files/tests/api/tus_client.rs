//! Compatibility with tus-js-client.

use std::{path::Path, process::Command};

use tokio::net::TcpListener;

use crate::{Fixture, noise, sha256, temp_path};

#[tokio::test]
async fn tus_js_client_uploads_resumes_and_terminates() {
    let Some(modules) = testkit::tool("tus-js-client") else {
        return;
    };
    let fixture = Fixture::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::server::serve(
        listener,
        fixture.app.router(),
        std::future::pending(),
    ));
    let content = noise(3_000_000);
    let source = temp_path();
    std::fs::write(&source, &content).unwrap();
    let token = fixture.app.token(&fixture.demo.customer);
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
    let output = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{output}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    println!("{output}");
    let list = fixture
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
    assert_eq!(fixture.storage_usage().await, (6_000_000, 0));
}
