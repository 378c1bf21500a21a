//! External OpenID Connect issuers: their metadata and keys, and verification of the tokens they sign.
//!
//! The caller checks the claims of a verified token: subject, audience and times.

mod cached;
pub mod fetch;
mod issuer;
mod keys;
mod metadata;
mod token;

pub use issuer::Issuer;
pub use metadata::Metadata;

/// Why a token could not be verified. Reasons are for the log, and contain neither codes nor tokens.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The issuer is unavailable.
    #[error("{0}")]
    Unavailable(String),
    /// The issuer's response or the token is invalid.
    #[error("{0}")]
    Refused(&'static str),
}
