//! Client data from the browser: the page and the ceremony.

use access::opaque::constant_time_eq;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::WebauthnError;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// Registration of a credential.
    Create,
    /// Use of a credential.
    Get,
}

/// `CollectedClientData` (5.8.1).
#[derive(Debug, Deserialize)]
pub(crate) struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    /// The page around an embedded one (Level 3).
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

impl ClientData {
    /// The challenge that the authenticator was asked to sign.
    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// The origin of the page.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn check(&self, ceremony: Ceremony, challenge: &[u8]) -> Result<(), WebauthnError> {
        let wanted = match ceremony {
            Ceremony::Create => "webauthn.create",
            Ceremony::Get => "webauthn.get",
        };
        if self.r#type != wanted {
            return Err(WebauthnError::Mismatch("ceremony"));
        }
        let given = URL_SAFE_NO_PAD
            .decode(&self.challenge)
            .map_err(|_| WebauthnError::Malformed("challenge"))?;
        if !constant_time_eq(&given, challenge) {
            return Err(WebauthnError::Mismatch("challenge"));
        }
        // Refuse pages embedded in another site, where users cannot see whom they are dealing with.
        if self.cross_origin || self.top_origin.is_some() {
            return Err(WebauthnError::Mismatch("page"));
        }
        Ok(())
    }
}
