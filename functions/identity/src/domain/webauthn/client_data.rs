//! What the browser adds: which page asked, and what for.

use access::opaque::same;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::Refused;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// A key is made.
    Create,
    /// A key is used.
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
}

impl ClientData {
    /// Reads it from JSON in UTF-8.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(json).map_err(|_| Refused::Malformed("client data"))
    }

    /// What the authenticator was asked to sign.
    pub(crate) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// The page that asked.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn check(&self, ceremony: Ceremony, challenge: &[u8]) -> Result<(), Refused> {
        let wanted = match ceremony {
            Ceremony::Create => "webauthn.create",
            Ceremony::Get => "webauthn.get",
        };
        if self.r#type != wanted {
            return Err(Refused::Other("ceremony"));
        }
        let given = URL_SAFE_NO_PAD
            .decode(&self.challenge)
            .map_err(|_| Refused::Malformed("challenge"))?;
        if !same(&given, challenge) {
            return Err(Refused::Other("challenge"));
        }
        // A page inside another site's page is not where people know that they are with us.
        if self.cross_origin {
            return Err(Refused::Other("page"));
        }
        Ok(())
    }
}
