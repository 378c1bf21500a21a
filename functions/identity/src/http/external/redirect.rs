//! The page that the browser returns to.

use access::cors;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ids::TenantId;
use url::Url;
use web::{
    Problem,
    problem::{FieldCode, Result},
};

use crate::{App, error::REDIRECT_NOT_ALLOWED};

/// Maximum length of a page's URL.
const MAX_URL_LENGTH: usize = 1_000;

/// Parses a URL as a browser would, and refuses it unless its origin is exactly one of the tenant's.
pub(super) async fn parse_allowed(app: &App, text: &str, tenant: TenantId) -> Result<Url> {
    if text.len() > MAX_URL_LENGTH {
        return Err(Problem::field(
            "/redirect_to",
            FieldCode::TooLong(MAX_URL_LENGTH),
        ));
    }
    let refused = || REDIRECT_NOT_ALLOWED.problem();
    let url = Url::parse(text).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let origin = url.origin();
    if !plain || !origin.is_tuple() {
        return Err(refused());
    }
    if cors::is_allowed(&app.state, &origin.ascii_serialization(), Some(tenant)).await? {
        Ok(url)
    } else {
        Err(refused())
    }
}

/// Redirects the browser to `url`.
pub(super) fn see_other(url: &Url, set_cookie: Option<HeaderValue>) -> Result<Response> {
    let location = HeaderValue::try_from(url.as_str()).map_err(Problem::internal)?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    // The current URL contains a state or a code.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if let Some(set_cookie) = set_cookie {
        headers.append(header::SET_COOKIE, set_cookie);
    }
    Ok(response)
}

/// Redirects the browser to the page with a stable error code, without the provider's own message.
pub(super) fn see_other_with_error(
    mut page: Url,
    problem: &Problem,
    set_cookie: Option<HeaderValue>,
) -> Result<Response> {
    page.query_pairs_mut()
        .append_pair("error", problem.kind().code);
    see_other(&page, set_cookie)
}
