//! The pages that links in emails point to, for organisations without a frontend of their own.
//!
//! A page only shows a button. The token is in the URL's fragment, which browsers do not send: fetching the page, as a mail
//! scanner does, submits nothing; only pressing the button posts the token. Localized are constants, so nothing needs escaping.

mod texts;

use std::fmt::Write as _;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use web::Language;

use texts::{FAILED, Field, Form, NOSCRIPT, PAGES, Page};

const SCRIPT: &str = include_str!("pages/links.js");
const STYLE: &str = include_str!("pages/links.css");
/// Allows only our own script, style sheet and API calls, and forbids framing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The routes of the pages, to be served under `PUBLIC_URL`. They do not use the database.
pub fn router() -> Router {
    let script = async || answer("text/javascript; charset=utf-8", SCRIPT);
    let style = async || answer("text/css; charset=utf-8", STYLE);
    let mut router = Router::new()
        .route("/links/links.js", get(script))
        .route("/links/links.css", get(style));
    for page in &PAGES {
        let render_page = async move |headers: HeaderMap| render_page(page, &headers);
        router = router.route(page.path, get(render_page));
    }
    router
}

fn render_page(page: &Page, headers: &HeaderMap) -> Response {
    let language = Language::from_headers(headers).unwrap_or_default();
    let mut response = answer("text/html; charset=utf-8", html(page, language));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    headers.insert(
        HeaderName::from_static("content-language"),
        HeaderValue::from_static(language.tag()),
    );
    response
}

fn answer(media_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn html(page: &Page, language: Language) -> String {
    let forms: String = page
        .forms
        .iter()
        .map(|form| form_html(form, language))
        .collect();
    include_str!("pages/page.html")
        .replace("{{lang}}", language.tag())
        .replace("{{title}}", &page.title.render(language, &[]))
        .replace("{{noscript}}", &NOSCRIPT.render(language, &[]))
        .replace("{{forms}}", &forms)
}

fn form_html(form: &Form, language: Language) -> String {
    let text = |texts: &web::Localized| texts.render(language, &[]);
    let when = if form.fields.contains(&Field::Token) {
        "token"
    } else {
        "nothing"
    };
    let keeps = if form.keeps_session {
        " data-keeps=\"session\""
    } else {
        ""
    };
    let mut html = format!(
        "<form data-path=\"/api/v1/auth/{}\" data-when=\"{when}\"{keeps} data-done=\"{}\" data-failed=\"{}\">\n<p>{}</p>\n",
        form.path,
        text(&form.done),
        text(&FAILED),
        text(&form.lead),
    );
    for field in form.fields {
        // Writing to a String cannot fail.
        _ = writeln!(
            html,
            "<label{}>{}<input {}></label>",
            if *field == Field::Code { " hidden" } else { "" },
            text(&field.label()),
            field.attributes(),
        );
    }
    html + &format!("<button>{}</button>\n</form>\n", text(&form.button))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::{Method, Request};
    use tower::ServiceExt;

    use super::*;

    async fn ask(method: Method, path: &str, language: &str) -> (http::response::Parts, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT_LANGUAGE, language)
            .body(Body::empty())
            .unwrap();
        let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1_000_000).await.unwrap();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_page_exists_in_both_languages_and_loads_only_own_assets() {
        for page in &PAGES {
            for language in ["de", "en"] {
                let (parts, html) = ask(Method::GET, page.path, language).await;
                assert_eq!(parts.status, 200, "{}", page.path);
                let policy = parts.headers["content-security-policy"].to_str().unwrap();
                assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
                assert!(html.contains(&format!("lang=\"{language}\"")));
                assert!(!html.contains("{{") && !html.contains("://"), "{html}");
                let loads = html.split('"').filter(|part| part.starts_with("/links/"));
                let loads: Vec<&str> = loads.collect();
                assert_eq!(loads.len(), 2, "{html}");
                for path in loads {
                    assert_eq!(ask(Method::GET, path, language).await.0.status, 200);
                }
            }
        }
    }

    #[tokio::test]
    async fn pages_answer_only_get_and_head() {
        for page in &PAGES {
            let (parts, body) = ask(Method::HEAD, page.path, "en").await;
            assert_eq!((parts.status.as_u16(), body.as_str()), (200, ""));
            let (parts, _) = ask(Method::POST, page.path, "en").await;
            assert_eq!(parts.status, 405);
        }
    }
}
