//! Other issuers (OpenID Connect): what they publish about themselves, and whether they signed a token.
//!
//! The claims of a verified token are the caller's to judge: whose they are, for whom, for how long.

pub mod fetch;
mod issuer;
mod keys;
mod metadata;
mod remembered;
mod token;

pub use issuer::Issuer;
pub use metadata::Metadata;

/// Why an issuer's word does not count. Reasons are for the log; they hold neither codes nor tokens.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The issuer could not be asked.
    #[error("{0}")]
    Unavailable(String),
    /// It answered, and the answer is not good enough.
    #[error("{0}")]
    Refused(&'static str),
}
