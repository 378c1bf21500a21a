//! What a real browser makes of files that want to run.

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

use crate::{Place, folder, upload};

/// A page that reports to us when it runs.
const HTML: &str =
    "<!DOCTYPE html><html><body><script>new Image().src='/ran?html'</script></body></html>";
/// A picture that does.
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>new Image().src='/ran?svg';fetch('/ran?svg')</script></svg>";

/// A browser at an address.
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

/// Opens an address, and waits until something has happened. Nobody waits for the browser to be done: at an address that it
/// saves instead of showing, it never is.
async fn look(chromium: &Path, address: &str, happened: impl Fn() -> bool) {
    let profile = folder();
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
        if happened() {
            // What runs does so at once; what does not is given this long to surprise us.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("chromium did nothing at {address}");
}

#[tokio::test]
async fn a_page_or_a_picture_that_wants_to_run_does_not() {
    let Some(chromium) = testkit::tool("chromium") else {
        return;
    };
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
    let (ran, given) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, gave) = (Arc::clone(&ran), Arc::clone(&given));
    let noting = from_fn(move |request: Request, next: Next| {
        let gave = Arc::clone(&gave);
        async move {
            let response = next.run(request).await;
            gave.fetch_add(1, Ordering::SeqCst);
            response
        }
    });
    let svg = || async { ([(header::CONTENT_TYPE, "image/svg+xml")], SVG) };
    let ours = Router::new().fallback_service(place.app.router());
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
        .fallback_service(ours.layer(noting));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::server::serve(listener, router, std::future::pending()));

    // From anywhere else they do run: so the test would see it.
    for control in ["/control/html", "/control/svg"] {
        let before = ran.load(Ordering::SeqCst);
        let has_run = || ran.load(Ordering::SeqCst) > before;
        look(&chromium, &format!("{base}{control}"), has_run).await;
    }
    ran.store(0, Ordering::SeqCst);
    // Each frame asks for its own: iframe, object, embed, img and script, of both.
    let asked = |times: usize| {
        let (before, given) = (given.load(Ordering::SeqCst), Arc::clone(&given));
        move || given.load(Ordering::SeqCst) >= before + times
    };
    for link in &links {
        look(&chromium, &format!("{base}{link}"), asked(1)).await;
    }
    look(&chromium, &format!("{base}/frames"), asked(2 * 5)).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}
