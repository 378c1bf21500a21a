//! The landing page at `/`: functions, and how to sign in.

use std::{collections::BTreeSet, fmt::Write as _};

use axum::response::Response;
use http::{HeaderValue, header};
use web::Service;

const TEMPLATE: &str = include_str!("landing.html");
/// Allows one style sheet and one image of this host; no scripts, no framing.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the page for these services.
pub fn page(services: &[Service], public_url: &str, sign_ins: &[Vec<String>]) -> String {
    let mut rows = String::new();
    for service in services {
        // Writing into a String cannot fail.
        _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            escape(service.name),
            escape(service.about),
            paths(service)
        );
    }
    let mut people = String::new();
    for row in sign_ins {
        if let [tenant, role, email, ..] = row.as_slice() {
            _ = write!(
                people,
                "<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
                escape(tenant),
                escape(role),
                escape(email)
            );
        }
    }
    TEMPLATE
        .replace("{{version}}", &escape(web::service::VERSION))
        .replace("{{base_url}}", &escape(public_url))
        .replace("{{rows}}", &rows)
        .replace("{{sign_ins}}", &people)
}

/// Returns the distinct path prefixes of a service.
fn paths(service: &Service) -> String {
    let prefixes: BTreeSet<String> = service
        .document
        .paths
        .paths
        .keys()
        .map(|path| {
            let segments = path.split('/').skip(1);
            let depth = if path.starts_with("/api/") { 3 } else { 2 };
            segments
                .take(depth)
                .fold(String::new(), |path, segment| format!("{path}/{segment}"))
        })
        .collect();
    prefixes
        .iter()
        .map(|path| format!("<code>{}</code>", escape(path)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the page as a response.
pub fn answer(page: String) -> Response {
    let mut response = super::answer("text/html; charset=utf-8", "no-cache", page);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Escapes text for HTML content and quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserted_values_are_escaped() {
        let row = ["<b>", "a&b", "\"x\"@'y'", "secret"].map(str::to_owned);
        let page = page(&[], "http://127.0.0.1:8080/<script>", &[row.to_vec()]);
        assert!(page.contains("<td>&lt;b&gt;</td><td>a&amp;b</td>"));
        assert!(page.contains("<code>&quot;x&quot;@&#39;y&#39;</code>"));
        assert!(!page.contains("<script"));
        assert!(!page.contains("secret"), "passwords are not shown");
        assert!(!page.contains("{{"), "every placeholder is filled");
    }
}
