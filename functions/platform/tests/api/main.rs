//! Tests of the platform as a whole: document, pages, generated files, tenant isolation.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test code: a failed unwrap is a failed test, and some tests print figures"
)]

mod attachments;
mod bulk;
mod document;
mod erasure;
mod events;
mod impersonation;
mod isolation;
mod life_cycle;
mod lists;
mod manifest;
mod pages;
mod policy;
mod registration;
mod registry;
mod tables;

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// The response of a page.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// The pages of a platform that does not use its database.
fn site() -> Router {
    let sign_ins = [[
        "demo",
        "<manager>",
        "manager@demo.example",
        "not-for-the-page",
    ]
    .map(str::to_owned)];
    let services = platform::functions::services().unwrap();
    let rows: Vec<Vec<String>> = sign_ins.iter().map(|row| row.to_vec()).collect();
    platform::site::routes(&services, "http://127.0.0.1:8080", &rows)
}

async fn get(path: &str) -> Page {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = site().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Page {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
