//! Issuer metadata (OpenID Connect Discovery 1.0).

use serde::Deserialize;
use url::Url;

use super::{OidcError, fetch};

/// The validated endpoints of an issuer.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The authorization endpoint.
    pub authorization_endpoint: Url,
    /// The token endpoint.
    pub token_endpoint: Url,
    /// The key set.
    pub jwks_uri: Url,
    /// Whether the client secret is sent with HTTP Basic rather than in the form.
    pub basic: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Fetches the metadata.
    pub(super) async fn fetch(
        http: &reqwest::Client,
        issuer: &str,
        local: bool,
    ) -> Result<Self, OidcError> {
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let document: Document = fetch::json(http.get(address), fetch::MAX_DOCUMENT_BYTES).await?;
        if document.issuer != issuer {
            return Err(OidcError::Refused("the metadata belong to another issuer"));
        }
        let safe = |text: &str| {
            fetch::parse_url(text, local).ok_or(OidcError::Refused(
                "a URL in the metadata is not acceptable",
            ))
        };
        Ok(Self {
            authorization_endpoint: safe(&document.authorization_endpoint)?,
            token_endpoint: safe(&document.token_endpoint)?,
            jwks_uri: safe(&document.jwks_uri)?,
            // HTTP Basic is the default of Discovery.
            basic: !document
                .token_endpoint_auth_methods_supported
                .is_some_and(|methods| methods.iter().any(|method| method == "client_secret_post")),
        })
    }
}
