//! What a real browser makes of files that want to run. Without Chromium the test says so.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, response::Html, routing::get};
use http::header;
use tokio::net::TcpListener;

use crate::{Place, folder, upload};

/// A page that reports to us when it runs.
const HTML: &str =
    "<!DOCTYPE html><html><body><script>new Image().src='/ran?html'</script></body></html>";
/// A picture that does.
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>new Image().src='/ran?svg';fetch('/ran?svg')</script></svg>";

/// Lets a browser look at an address until nothing happens any more.
async fn look(address: &str) -> bool {
    let profile = folder();
    let arguments = [
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        "--virtual-time-budget=4000".to_owned(),
        "--timeout=20000".to_owned(),
        "--dump-dom".to_owned(),
        address.to_owned(),
    ];
    let looked = tokio::task::spawn_blocking(move || {
        Command::new("timeout")
            .args(["60", "chromium"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    });
    let looked = looked.await.unwrap();
    let _ = std::fs::remove_dir_all(profile);
    looked
}

#[tokio::test]
async fn a_page_or_a_picture_that_wants_to_run_does_not() {
    let there = Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: there is no chromium here");
        return;
    }
    let place = Place::new().await;
    let mut links = Vec::new();
    for (name, content) in [("page.html", HTML), ("picture.svg", SVG)] {
        let file = upload(&place.customer(), name, content.as_bytes())
            .await
            .id();
        let link = place
            .customer()
            .get(&format!("/api/v1/files/{file}/link"))
            .await
            .json();
        let link = link["url"]
            .as_str()
            .unwrap()
            .strip_prefix(testkit::PUBLIC_URL)
            .unwrap()
            .to_owned();
        links.push(link);
    }
    let frame = |link: &String| {
        let link = link.replace('&', "&amp;");
        format!(
            "<iframe src=\"{link}\"></iframe><object data=\"{link}\"></object><embed src=\"{link}\"><img src=\"{link}\"><script src=\"{link}\"></script>"
        )
    };
    let frames = links.iter().map(frame).collect::<Vec<_>>().concat();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let svg = || async { ([(header::CONTENT_TYPE, "image/svg+xml")], SVG) };
    let router = Router::new()
        .route(
            "/ran",
            get(move || async move {
                count.fetch_add(1, Ordering::SeqCst);
            }),
        )
        .route("/frames", get(move || async move { Html(frames) }))
        .route("/control/html", get(|| async { Html(HTML) }))
        .route("/control/svg", get(svg))
        .fallback_service(place.stage.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::server::serve(listener, router, std::future::pending()));

    // From anywhere else they do run: so the test would see it.
    for control in ["/control/html", "/control/svg"] {
        let before = ran.load(Ordering::SeqCst);
        assert!(look(&format!("{base}{control}")).await);
        assert!(ran.load(Ordering::SeqCst) > before, "{control} did not run");
    }
    ran.store(0, Ordering::SeqCst);
    for link in links.iter().map(String::as_str).chain(["/frames"]) {
        look(&format!("{base}{link}")).await;
    }
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    println!(
        "chromium ran nothing of {} addresses and a page that frames them",
        links.len()
    );
}
