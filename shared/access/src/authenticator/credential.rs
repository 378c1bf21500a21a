//! The credential of a request.

use http::HeaderMap;
use web::Problem;

use super::unauthenticated;
use crate::{api_key, problems::SEVERAL_CREDENTIALS};

/// Whether the request has a credential, valid or not.
pub(crate) fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key("authorization") || headers.contains_key("x-api-key")
}

/// A credential, not yet verified.
pub(super) enum Credential<'a> {
    /// An access token.
    Token(&'a str),
    /// An API key.
    Key(&'a str),
}

/// Extracts the credential. Two of them are rejected: which one applies must not be guessed.
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, Problem> {
    let one = |name: &str| -> Result<Option<&str>, Problem> {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.to_str().map_err(|_| unauthenticated())?)),
            _ => Err(SEVERAL_CREDENTIALS.problem()),
        }
    };
    let bearer = match one("authorization")? {
        Some(value) => {
            let (scheme, token) = value.split_once(' ').ok_or_else(unauthenticated)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(unauthenticated());
            }
            Some(token.trim())
        }
        None => None,
    };
    match (bearer, one("x-api-key")?) {
        (None, None) => Ok(None),
        (Some(token), None) if token.starts_with(api_key::PREFIX) => {
            Ok(Some(Credential::Key(token)))
        }
        (Some(token), None) => Ok(Some(Credential::Token(token))),
        (None, Some(key)) => Ok(Some(Credential::Key(key.trim()))),
        (Some(_), Some(_)) => Err(SEVERAL_CREDENTIALS.problem()),
    }
}
