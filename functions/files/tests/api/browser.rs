//! Active content in a real browser.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Html,
    routing::get,
};
use http::header;
use tokio::net::TcpListener;

use crate::{Fixture, temp_path, upload};

/// A page that requests `/ran` when it is executed.
const HTML: &str =
    "<!DOCTYPE html><html><body><script>new Image().src='/ran?html'</script></body></html>";
/// An image that does the same.
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>new Image().src='/ran?svg';fetch('/ran?svg')</script></svg>";

/// A browser process.
struct Browser {
    process: Child,
    profile: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Opens a URL and waits for a condition. The browser cannot be waited for, because it never finishes with a URL that it
/// downloads instead of displaying.
async fn open_until(chromium: &Path, address: &str, condition: impl Fn() -> bool) {
    let profile = temp_path();
    let process = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--disable-dev-shm-usage", "--no-first-run"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args(["--disable-sync", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _browser = Browser { process, profile };
    for _ in 0..1_200 {
        if condition() {
            // Scripts run at once; wait a little longer to detect unexpected ones.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("chromium did not request {address}");
}

#[tokio::test]
async fn active_content_is_not_executed() {
    let Some(chromium) = testkit::tool("chromium") else {
        return;
    };
    let fixture = Fixture::new().await;
    let mut links = Vec::new();
    for (name, content) in [("page.html", HTML), ("picture.svg", SVG)] {
        let file = upload(&fixture.customer(), name, content.as_bytes())
            .await
            .id();
        let link = fixture
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
    let (ran, responses) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, counter) = (Arc::clone(&ran), Arc::clone(&responses));
    let count_responses = from_fn(move |request: Request, next: Next| {
        let counter = Arc::clone(&counter);
        async move {
            let response = next.run(request).await;
            counter.fetch_add(1, Ordering::SeqCst);
            response
        }
    });
    let svg = || async { ([(header::CONTENT_TYPE, "image/svg+xml")], SVG) };
    let ours = Router::new().fallback_service(fixture.app.router());
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
        .route("/favicon.ico", get(|| async {}))
        .fallback_service(ours.layer(count_responses));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::server::serve(listener, router, std::future::pending()));

    // Control: from other URLs the content is executed, so the test would detect it.
    for control in ["/control/html", "/control/svg"] {
        let before = ran.load(Ordering::SeqCst);
        let has_run = || ran.load(Ordering::SeqCst) > before;
        open_until(&chromium, &format!("{base}{control}"), has_run).await;
    }
    ran.store(0, Ordering::SeqCst);
    // Each link is requested by an iframe, object, embed, img and script.
    let responded = |times: usize| {
        let (before, responses) = (responses.load(Ordering::SeqCst), Arc::clone(&responses));
        move || responses.load(Ordering::SeqCst) >= before + times
    };
    for link in &links {
        open_until(&chromium, &format!("{base}{link}"), responded(1)).await;
    }
    open_until(&chromium, &format!("{base}/frames"), responded(2 * 5)).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}
