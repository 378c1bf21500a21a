//! Pages that belong to no function: the landing page, the reference and the merged OpenAPI document.

mod landing;
mod problems;
mod reference;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;
use web::{Service, reply::StaticFile};

/// Description of the merged document.
const ABOUT: &str = "One backend for many organisations. Each operation names the permission it requires in `x-permission`; \
    errors are RFC 9457 problem documents with a stable `code`.";

/// Merges the documents of all services.
pub fn document(services: &[Service]) -> OpenApi {
    let documents = services
        .iter()
        .map(|service| service.document.clone())
        .collect();
    web::openapi::merge(web::service::VERSION, ABOUT, documents)
}

/// Returns the pages. `sign_ins` has rows of tenant, role and email address; further columns are not shown.
pub fn routes(services: &[Service], public_url: &str, sign_ins: &[Vec<String>]) -> Router {
    let document = StaticFile::new(
        "application/json",
        web::openapi::to_pretty_json(&document(services)),
    );
    let page = landing::page(services, public_url, sign_ins);
    let icon = || async { asset("image/svg+xml", include_str!("site/icon.svg")) };
    Router::new()
        .route("/", get(|| async move { landing::answer(page) }))
        .route(
            "/assets/landing.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("site/landing.css")) }),
        )
        .route("/assets/icon.svg", get(icon))
        .route("/favicon.ico", get(icon))
        .merge(reference::routes())
        .merge(problems::routes())
        .route("/api/openapi.json", get(serve(&document)))
        .route("/api/v1/openapi.json", get(serve(&document)))
        .route("/openapi.json", get(serve(&document)))
}

/// A handler that answers with this file.
fn serve(
    file: &StaticFile,
) -> impl Fn() -> std::future::Ready<StaticFile> + Clone + Send + Sync + 'static {
    let file = file.clone();
    move || std::future::ready(file.clone())
}

/// Returns a compiled-in file, which only changes with a new version.
fn asset(media_type: &'static str, body: &'static str) -> Response {
    answer(media_type, "public, max-age=600", body)
}

fn answer(media_type: &'static str, caching: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
