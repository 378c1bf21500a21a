//! The refresh token as a cookie, for pages of the same site (`decisions.md` 13).
//!
//! A browser sends a cookie whoever's page asked for the request. So routes that read or set it want proof that it was one
//! of the tenant's own pages: `Sec-Fetch-Site`, which no page can set, a known `Origin`, and a header of ours that a foreign
//! page could only send after a preflight that we refuse.
//!
//! Only signing out takes a cookie away. A refresh that fails never does: its answer may arrive after that of another tab
//! which got a new cookie.

use access::{AppState, cors};
use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue, header};
use ids::TenantId;
use web::{Problem, problem::Result};

use crate::error::CSRF_REFUSED;

web::text_enum! {
    /// How a client wants to keep its refresh token.
    pub enum RefreshMode {
        /// In the body; the client keeps it.
        Body = "body",
        /// As a cookie that scripts can't read: for browsers on the platform's own site.
        Cookie = "cookie",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for RefreshMode {
    fn default() -> Self {
        Self::Body
    }
}

/// Without TLS browsers take neither `Secure` nor the prefix that demands it. Only a laptop is without TLS: on any other
/// machine a wrong setting must not send the token in the open.
pub(crate) fn is_plain(state: &AppState) -> bool {
    let host = state
        .settings()
        .public_url
        .parse::<http::Uri>()
        .ok()
        .filter(|url| url.scheme_str() == Some("http"))
        .and_then(|url| url.host().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

fn name(state: &AppState) -> &'static str {
    if is_plain(state) {
        "refresh"
    } else {
        "__Host-refresh"
    }
}

fn link_name(state: &AppState) -> &'static str {
    if is_plain(state) {
        "link"
    } else {
        "__Host-link"
    }
}

/// `Set-Cookie` with this token.
pub(crate) fn set(state: &AppState, token: &str, lifetime: TimeDelta) -> Result<HeaderValue> {
    written(state, name(state), token, lifetime)
}

/// `Set-Cookie` with what binds a link to the browser that asked for it.
pub(crate) fn set_link(state: &AppState, text: &str, lifetime: TimeDelta) -> Result<HeaderValue> {
    written(state, link_name(state), text, lifetime)
}

fn written(state: &AppState, name: &str, token: &str, lifetime: TimeDelta) -> Result<HeaderValue> {
    let secure = if is_plain(state) { "" } else { "; Secure" };
    let seconds = lifetime.num_seconds().max(0);
    HeaderValue::try_from(format!(
        "{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    ))
    .map_err(Problem::internal)
}

/// `Set-Cookie` that takes it away.
pub(crate) fn clear(state: &AppState) -> Result<HeaderValue> {
    set(state, "", TimeDelta::zero())
}

/// The token in the request's cookie.
pub(crate) fn read<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, name(state))
}

/// What binds a link to this browser.
pub(crate) fn read_link<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, link_name(state))
}

/// The cookie of this name.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Refuses a page that belongs to somebody else. Without `Origin` it is no page.
pub(crate) async fn check_page(
    state: &AppState,
    headers: &HeaderMap,
    tenant: Option<TenantId>,
) -> Result<()> {
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin)
            if cors::is_allowed(state, origin.to_str().unwrap_or_default(), tenant).await? =>
        {
            Ok(())
        }
        Some(_) => Err(cors::ORIGIN_NOT_ALLOWED.problem()),
    }
}

/// Whether the request comes from a page of the same site, whose browser keeps and sends our cookies.
pub(crate) fn can_keep(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN)
        && site.is_some_and(|site| matches!(site, b"same-origin" | b"same-site"))
}

/// Refuses what might not come from a page of the tenant.
pub(crate) async fn check(
    state: &AppState,
    headers: &HeaderMap,
    tenant: Option<TenantId>,
) -> Result<()> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let site_fits =
        text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "same-site"));
    let origin_fits = match text("origin") {
        Some(origin) => cors::is_allowed(state, origin, tenant).await?,
        None => false,
    };
    if site_fits && origin_fits && text("x-csrf-token") == Some("1") {
        Ok(())
    } else {
        Err(CSRF_REFUSED.problem())
    }
}

#[cfg(test)]
mod tests {
    use access::{AppSettings, Keyring};
    use db::Db;
    use web::Clock;

    use super::*;

    fn state(public_url: &str) -> AppState {
        let db = Db::connect_lazy("postgres://nobody@127.0.0.1/none", 1).unwrap();
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let settings = AppSettings {
            public_url: public_url.to_owned(),
            cache_ttl: std::time::Duration::ZERO,
            in_flight: 8,
            local: true,
        };
        AppState::new(db, Clock::system(), keyring, settings)
    }

    #[tokio::test]
    async fn a_laptop_without_tls_has_a_plainer_cookie() {
        let lifetime = TimeDelta::seconds(60);
        let plain = set(&state("http://127.0.0.1:8080"), "t", lifetime).unwrap();
        assert_eq!(
            plain,
            "refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        let secure = set(&state("https://api.example.org"), "t", lifetime).unwrap();
        assert_eq!(
            secure,
            "__Host-refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
    }

    #[tokio::test]
    async fn no_other_machine_sends_the_cookie_in_the_open() {
        let plain = [
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:80",
        ];
        for url in plain {
            assert_eq!(name(&state(url)), "refresh", "{url}");
        }
        for url in [
            "http://api.example.org",
            "http://localhost.example.org",
            "http://localhost@api.example.org",
        ] {
            let cookie = set(&state(url), "t", TimeDelta::seconds(60)).unwrap();
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.starts_with("__Host-refresh=t;") && cookie.ends_with("; Secure"),
                "{url}"
            );
        }
    }

    #[tokio::test]
    async fn a_cookie_is_found_among_others() {
        let state = state("https://api.example.org");
        let mut headers = HeaderMap::new();
        assert_eq!(read(&state, &headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; refresh=no"));
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("__Host-refresh=yes; b=2"),
        );
        assert_eq!(read(&state, &headers), Some("yes"));
    }
}
