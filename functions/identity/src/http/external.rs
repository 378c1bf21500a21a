//! Sign-in with an OpenID Connect provider: the page redirects to the provider, the provider back to us, and we back to the page
//! with a code that it exchanges for tokens. Tokens never appear in a URL.

mod apple_user;
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

pub(crate) use flow::{CodeInput, parse_code};
pub(crate) use link_or_create::record_link;

use crate::{
    App,
    error::{PROVIDER_REFUSED, PROVIDER_UNAVAILABLE},
    oidc::{OidcError, Provider},
};

/// The provider with this name, or `404`.
fn find_provider(app: &App, name: &str) -> Result<Arc<Provider>> {
    let provider = app.settings.providers.find(name);
    provider.ok_or_else(|| problem::NOT_FOUND.problem())
}

/// The refusal after a failed sign-in. The cause is logged and not disclosed.
fn provider_problem(provider: &Provider, error: &OidcError) -> Problem {
    tracing::warn!(provider = provider.name, cause = %error, "sign-in at an identity provider failed");
    match error {
        OidcError::Unavailable(_) => PROVIDER_UNAVAILABLE.problem(),
        OidcError::Refused(_) => PROVIDER_REFUSED.problem(),
    }
}

/// The redirect URI, exactly as registered with the provider.
fn callback_url(app: &App, provider: &Provider) -> String {
    let public_url = &app.state.settings().public_url;
    format!("{public_url}/api/v1/auth/oauth/{}/callback", provider.name)
}
