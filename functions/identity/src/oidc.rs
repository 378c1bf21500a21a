//! Other issuers on whose word people sign in: the code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636).
//!
//! What leaves this module is somebody's identity after every check, or a reason to refuse; no token of an issuer does.

mod apple;
mod id_token;
mod provider;

pub use provider::{Provider, Providers};

pub(crate) use access::oidc::OidcError;
pub(crate) use id_token::Identity;

/// What one sign-in must say to the issuer and hear from it again.
#[derive(Clone, Debug)]
pub(crate) struct Secrets<'a> {
    /// Comes back in the ID token.
    pub(crate) nonce: &'a str,
    /// The PKCE verifier, of which the issuer sees the hash first.
    pub(crate) verifier: &'a str,
}
