//! Signing in by way of another issuer: away from the page, to the issuer, back to us, and back to the page with a code that
//! it redeems for the ordinary tokens. Tokens never stand in an address.

pub(crate) mod callback;
mod flow;
pub(crate) mod identities;
mod link_or_create;
mod name;
pub(crate) mod providers;
mod redirect;
pub(crate) mod start;
pub(crate) mod token;

use std::sync::Arc;

use web::{
    Problem,
    problem::{self, Result},
};

pub(crate) use flow::{GivenCode, parse_code};
pub(crate) use link_or_create::linked_entry;

use crate::{
    App,
    error::{PROVIDER_REFUSED, PROVIDER_UNAVAILABLE},
    oidc::{OidcError, Provider},
};

/// The provider of this name, or a refusal as for any other missing thing.
fn find_provider(app: &App, name: &str) -> Result<Arc<Provider>> {
    let provider = app.settings.providers.find(name);
    provider.ok_or_else(|| problem::NOT_FOUND.problem())
}

/// The reason is for the log alone.
fn refused(provider: &Provider, error: &OidcError) -> Problem {
    tracing::warn!(provider = provider.name, cause = %error, "sign-in at an issuer failed");
    match error {
        OidcError::Unavailable(_) => PROVIDER_UNAVAILABLE.problem(),
        OidcError::Refused(_) => PROVIDER_REFUSED.problem(),
    }
}

/// Where the issuer sends the browser: registered there, character by character.
fn callback_address(app: &App, provider: &Provider) -> String {
    let public_url = &app.state.settings().public_url;
    format!("{public_url}/api/v1/auth/oauth/{}/callback", provider.name)
}
