//! The client secret for Apple: a token signed with the key of the developer team.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// Apple accepts up to six months. A new secret is created for each request, so it can be short-lived.
const CLIENT_SECRET_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// The key of a developer team.
pub(super) struct AppleKey {
    team_id: String,
    key_id: String,
    key: EncodingKey,
}

impl AppleKey {
    /// Parses the text of the `.p8` file.
    pub(super) fn parse(team_id: String, key_id: String, pem: &str) -> Option<Self> {
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .flat_map(str::chars)
            .filter(|c| !c.is_whitespace())
            .collect();
        let key = Self {
            team_id,
            key_id,
            key: EncodingKey::from_ec_der(&STANDARD.decode(base64).ok()?),
        };
        // Sign once at start-up, so that an unusable key is not discovered by the first user.
        key.client_secret("", "", DateTime::default())?;
        Some(key)
    }

    /// Creates the secret for one request.
    pub(super) fn client_secret(
        &self,
        client_id: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        let claims = json!({
            "iss": self.team_id,
            "iat": now.timestamp(),
            "exp": (now + CLIENT_SECRET_LIFETIME).timestamp(),
            "aud": audience,
            "sub": client_id,
        });
        jsonwebtoken::encode(&header, &claims, &self.key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_keys_are_refused() {
        for pem in [
            "",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "{}",
        ] {
            assert!(AppleKey::parse("team".to_owned(), "key".to_owned(), pem).is_none());
        }
    }
}
