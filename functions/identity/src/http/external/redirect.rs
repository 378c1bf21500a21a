//! The page to which somebody comes back.

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

/// Longest address of a page.
const LONGEST: usize = 1_000;

/// Reads an address as a browser would, and refuses those whose origin is not exactly one of the tenant's.
pub(super) async fn parse(app: &App, text: &str, tenant: TenantId) -> Result<Url> {
    if text.len() > LONGEST {
        return Err(Problem::field("/redirect_to", FieldCode::TooLong(LONGEST)));
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

/// Sends the browser there.
pub(super) fn go(url: &Url, set_cookie: Option<HeaderValue>) -> Result<Response> {
    let location = HeaderValue::try_from(url.as_str()).map_err(Problem::internal)?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    // The address that leads here holds a state or a code.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if let Some(set_cookie) = set_cookie {
        headers.append(header::SET_COOKIE, set_cookie);
    }
    Ok(response)
}

/// Sends the browser back to the page with why nothing came of it: the stable code, and nothing that the issuer said.
pub(super) fn failed(
    mut page: Url,
    problem: &Problem,
    set_cookie: Option<HeaderValue>,
) -> Result<Response> {
    page.query_pairs_mut()
        .append_pair("error", problem.kind().code);
    go(&page, set_cookie)
}
