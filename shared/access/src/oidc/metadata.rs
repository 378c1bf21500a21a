//! What an issuer says about itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;
use url::Url;

use super::{OidcError, fetch};

/// The addresses of an issuer, each safe to use.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Where people agree.
    pub authorization_endpoint: Url,
    /// Where a code becomes a token.
    pub token_endpoint: Url,
    /// Where its keys are.
    pub jwks_uri: Url,
    /// Whether it wants our secret in the header and not in the form.
    pub basic: bool,
}

#[derive(Deserialize)]
struct Written {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Asks the issuer.
    pub(super) async fn fetch(
        http: &reqwest::Client,
        issuer: &str,
        local: bool,
    ) -> Result<Self, OidcError> {
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let written: Written = fetch::json(http.get(address), fetch::MAX_DOCUMENT_BYTES).await?;
        if written.issuer != issuer {
            return Err(OidcError::Refused("the metadata are another issuer's"));
        }
        let safe = |text: &str| {
            fetch::address(text, local)
                .ok_or(OidcError::Refused("an address in the metadata is not safe"))
        };
        Ok(Self {
            authorization_endpoint: safe(&written.authorization_endpoint)?,
            token_endpoint: safe(&written.token_endpoint)?,
            jwks_uri: safe(&written.jwks_uri)?,
            // Without a word of the issuer the header is what Discovery prescribes.
            basic: !written
                .token_endpoint_auth_methods_supported
                .is_some_and(|methods| methods.iter().any(|method| method == "client_secret_post")),
        })
    }
}
