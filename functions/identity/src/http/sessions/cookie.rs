//! The refresh token as a cookie, for pages of the same site (`decisions.md` 13).
//!
//! Browsers send cookies with requests from any page. Routes that read or set this cookie therefore require proof that the request
//! comes from one of the tenant's own pages: `Sec-Fetch-Site`, which pages cannot set, a known `Origin`, and a custom header that a
//! foreign page could send only after a preflight that we refuse.
//!
//! Only signing out deletes the cookie. A failed refresh does not, because its response may arrive after that of another tab that
//! received a new cookie.

use access::{AppState, cors};
use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue, header};
use ids::TenantId;
use web::{Problem, problem::Result};

use crate::error::CSRF_REFUSED;

web::text_enum! {
    /// How a client receives its refresh token.
    pub enum RefreshMode {
        /// In the body; the client stores it.
        Body = "body",
        /// As a cookie that scripts cannot read, for browsers on the platform's own site.
        Cookie = "cookie",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro makes the enum")]
impl Default for RefreshMode {
    fn default() -> Self {
        Self::Body
    }
}

/// Whether to set cookies without `Secure`. Browsers accept neither `Secure` nor the prefix that requires it without TLS. This is
/// allowed only in local development, so that a wrong setting elsewhere cannot expose the token.
pub(crate) fn is_without_tls(state: &AppState) -> bool {
    let host = state
        .settings()
        .public_url
        .parse::<http::Uri>()
        .ok()
        .filter(|url| url.scheme_str() == Some("http"))
        .and_then(|url| url.host().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

fn refresh_cookie_name(state: &AppState) -> &'static str {
    if is_without_tls(state) {
        "refresh"
    } else {
        "__Host-refresh"
    }
}

fn link_cookie_name(state: &AppState) -> &'static str {
    if is_without_tls(state) {
        "link"
    } else {
        "__Host-link"
    }
}

/// `Set-Cookie` with the refresh token.
pub(crate) fn set_refresh_cookie(
    state: &AppState,
    token: &str,
    lifetime: TimeDelta,
) -> Result<HeaderValue> {
    set_cookie(state, refresh_cookie_name(state), token, lifetime)
}

/// `Set-Cookie` with the value that binds a link to the browser that requested it.
pub(crate) fn set_link_cookie(
    state: &AppState,
    text: &str,
    lifetime: TimeDelta,
) -> Result<HeaderValue> {
    set_cookie(state, link_cookie_name(state), text, lifetime)
}

fn set_cookie(
    state: &AppState,
    name: &str,
    token: &str,
    lifetime: TimeDelta,
) -> Result<HeaderValue> {
    let secure = if is_without_tls(state) {
        ""
    } else {
        "; Secure"
    };
    let seconds = lifetime.num_seconds().max(0);
    HeaderValue::try_from(format!(
        "{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    ))
    .map_err(Problem::internal)
}

/// `Set-Cookie` that deletes the refresh token.
pub(crate) fn clear_refresh_cookie(state: &AppState) -> Result<HeaderValue> {
    set_refresh_cookie(state, "", TimeDelta::zero())
}

/// The refresh token in the request's cookie.
pub(crate) fn read_refresh_cookie<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
    find_cookie(headers, refresh_cookie_name(state))
}

/// The value that binds a link to this browser.
pub(crate) fn read_link_cookie<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
    find_cookie(headers, link_cookie_name(state))
}

/// The cookie with this name.
pub(crate) fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Refuses pages that do not belong to the tenant. Requests without `Origin` do not come from a page.
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

/// Whether the request comes from a page of the same site, where browsers store and send our cookies.
pub(crate) fn keeps_cookies(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN)
        && site.is_some_and(|site| matches!(site, b"same-origin" | b"same-site"))
}

/// Refuses requests that may not come from a page of the tenant.
pub(crate) async fn check_csrf(
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
    let reason = match (site_fits, origin_fits, text("x-csrf-token")) {
        (true, true, Some("1")) => return Ok(()),
        (false, ..) => "cross_site",
        (true, false, _) => "unknown_origin",
        (true, true, _) => "header_missing",
    };
    Err(CSRF_REFUSED
        .problem()
        .argument("reason", reason)
        .member("reason", reason))
}

#[cfg(test)]
mod tests {
    use access::{AppSettings, Keyring};
    use db::Db;
    use web::Clock;

    use super::*;

    fn state(public_url: &str) -> AppState {
        let db = Db::connect_lazy("postgres://test@127.0.0.1/none", 1).unwrap();
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
    async fn a_local_server_without_tls_uses_a_plain_cookie() {
        let lifetime = TimeDelta::seconds(60);
        let plain = set_refresh_cookie(&state("http://127.0.0.1:8080"), "t", lifetime).unwrap();
        assert_eq!(
            plain,
            "refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        let secure = set_refresh_cookie(&state("https://api.example.org"), "t", lifetime).unwrap();
        assert_eq!(
            secure,
            "__Host-refresh=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
    }

    #[tokio::test]
    async fn only_loopback_hosts_use_insecure_cookies() {
        let plain = [
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:80",
        ];
        for url in plain {
            assert_eq!(refresh_cookie_name(&state(url)), "refresh", "{url}");
        }
        for url in [
            "http://api.example.org",
            "http://localhost.example.org",
            "http://localhost@api.example.org",
        ] {
            let cookie = set_refresh_cookie(&state(url), "t", TimeDelta::seconds(60)).unwrap();
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
        assert_eq!(read_refresh_cookie(&state, &headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; refresh=no"));
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("__Host-refresh=yes; b=2"),
        );
        assert_eq!(read_refresh_cookie(&state, &headers), Some("yes"));
    }
}
