//! Sign-in with OpenID Connect providers: the authorization code flow (OpenID Connect Core 1.0) with PKCE (RFC 7636).
//!
//! This module returns a verified identity or a reason to refuse it. Tokens of providers never leave it.

mod apple;
mod id_token;
mod provider;

pub use provider::{Provider, Providers};

pub(crate) use access::oidc::OidcError;
pub(crate) use id_token::Identity;

/// The values that a sign-in sends to the provider and expects back.
#[derive(Clone, Debug)]
pub(crate) struct Secrets<'a> {
    /// Returned in the ID token.
    pub(crate) nonce: &'a str,
    /// The PKCE verifier, whose hash is sent first.
    pub(crate) verifier: &'a str,
}
