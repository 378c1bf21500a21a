//! Other issuers on whose word people sign in: the code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636).
//!
//! What leaves this module is somebody's identity after every check, or a reason to refuse; no token of an issuer does.

mod apple;
mod fetch;
mod id_token;
mod keys;
mod metadata;
mod provider;
mod remembered;

pub use provider::{Provider, Providers};

pub(crate) use id_token::Identity;

/// Why an issuer's word does not count. Reasons are for the log; they hold neither codes nor tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The issuer could not be asked.
    #[error("{0}")]
    Unavailable(String),
    /// It answered, and the answer is not good enough.
    #[error("{0}")]
    Refused(&'static str),
}

/// What one sign-in must say to the issuer and hear from it again.
#[derive(Clone, Debug)]
pub(crate) struct Secrets<'a> {
    /// Comes back in the ID token.
    pub(crate) nonce: &'a str,
    /// The PKCE verifier, of which the issuer sees the hash first.
    pub(crate) verifier: &'a str,
}
