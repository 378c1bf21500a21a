//! The API reference at `/docs`: Swagger UI, compiled into this binary.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;
use web::{Problem, problem};

/// Allows scripts and styles of this host only. Swagger UI uses data URLs for icons; "Try it out" calls this host.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the page and its files.
pub fn routes() -> Router {
    let page = || async {
        let page = super::answer(
            "text/html; charset=utf-8",
            "no-cache",
            include_str!("reference.html"),
        );
        with_security_policy(page)
    };
    let css = "text/css; charset=utf-8";
    let js = "text/javascript; charset=utf-8";
    Router::new()
        .route("/docs", get(page))
        .route("/docs/", get(|| async { Redirect::permanent("/docs") }))
        .route(
            "/docs/reference.css",
            get(|| async { super::asset(css, include_str!("reference.css")) }),
        )
        .route(
            "/docs/reference.js",
            get(|| async { super::asset(js, include_str!("reference.js")) }),
        )
        .route(
            "/docs/swagger-ui.css",
            get(|| async { bundled("swagger-ui.css", css) }),
        )
        .route(
            "/docs/swagger-ui-bundle.js",
            get(|| async { bundled("swagger-ui-bundle.js", js) }),
        )
}

fn with_security_policy(mut page: Response) -> Response {
    page.headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, POLICY);
    page
}

/// Returns a file of Swagger UI.
fn bundled(file: &'static str, media_type: &'static str) -> Response {
    match utoipa_swagger_ui::serve(file, Arc::new(Config::default())) {
        Ok(Some(found)) => super::answer(
            media_type,
            "public, max-age=86400",
            found.bytes.into_owned(),
        ),
        Ok(None) => problem::NOT_FOUND.problem().into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}
