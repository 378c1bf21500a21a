//! The page at `/`: what runs here and how to sign in.

use std::{collections::BTreeSet, fmt::Write as _};

use axum::response::Response;
use http::{HeaderValue, header};
use web::Service;

const TEMPLATE: &str = include_str!("landing.html");
/// One style sheet and one picture of ours; nothing else loads, nothing runs, nobody frames it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The page of these services.
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

/// Where a service's paths begin, each once.
fn paths(service: &Service) -> String {
    let beginnings: BTreeSet<String> = service
        .document
        .paths
        .paths
        .keys()
        .map(|path| {
            let parts = path.split('/').skip(1);
            let most = if path.starts_with("/api/") { 3 } else { 2 };
            parts
                .take(most)
                .fold(String::new(), |path, part| format!("{path}/{part}"))
        })
        .collect();
    beginnings
        .iter()
        .map(|path| format!("<code>{}</code>", escape(path)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The page as it is served.
pub fn answer(page: String) -> Response {
    let mut response = super::answer("text/html; charset=utf-8", "no-cache", page);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Text that is text in HTML, also within quotes.
fn escape(text: &str) -> String {
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
    fn nothing_that_is_filled_in_becomes_markup() {
        let row = ["<b>", "a&b", "\"x\"@'y'", "secret"].map(str::to_owned);
        let page = page(&[], "http://127.0.0.1:8080/<script>", &[row.to_vec()]);
        assert!(page.contains("<td>&lt;b&gt;</td><td>a&amp;b</td>"));
        assert!(page.contains("<code>&quot;x&quot;@&#39;y&#39;</code>"));
        assert!(!page.contains("<script"));
        assert!(!page.contains("secret"), "passwords are not shown");
        assert!(!page.contains("{{"), "every place is filled");
    }
}
