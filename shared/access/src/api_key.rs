//! API keys: `rvz_live_<id>_<secret><crc>`, hexadecimal.
//!
//! `<id>` is tenant and key id (64 digits), `<secret>` 256 random bits (64 digits), `<crc>` the CRC-32 of everything before it
//! (8 digits), which lets secret scanners recognise real keys offline.

use ids::{ApiKeyId, TenantId};
use uuid::Uuid;

use crate::opaque::{random, sha256};

/// The prefix of every key.
pub const PREFIX: &str = "rvz_live_";

/// An API key including its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    /// The tenant.
    pub tenant: TenantId,
    /// The key id.
    pub id: ApiKeyId,
    secret: [u8; 32],
}

impl ApiKeySecret {
    /// Generates a key.
    pub fn generate(tenant: TenantId, id: ApiKeyId) -> Self {
        Self {
            tenant,
            id,
            secret: random(),
        }
    }

    /// The hash of the secret, for storage.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.secret)
    }

    /// The encoded key, shown only once.
    pub fn to_text(&self) -> String {
        let body = format!(
            "{PREFIX}{}{}_{}",
            self.tenant.uuid().simple(),
            self.id.uuid().simple(),
            hex(&self.secret)
        );
        let crc = crc32fast::hash(body.as_bytes());
        format!("{body}{crc:08x}")
    }

    /// Parses a key; `None` if it is malformed or the checksum is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, crc) = text.split_at_checked(text.len().checked_sub(8)?)?;
        if u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(body.as_bytes()) {
            return None;
        }
        let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
        let (tenant, key) = id.split_at_checked(32)?;
        Some(Self {
            tenant: TenantId::from_uuid(Uuid::try_parse(tenant).ok()?),
            id: ApiKeyId::from_uuid(Uuid::try_parse(key).ok()?),
            secret: unhex(secret)?,
        })
    }
}

impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{}…", self.id)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_a_round_trip_and_typos_are_detected() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let key = ApiKeySecret::generate(TenantId::at(now), ApiKeyId::at(now));
        let text = key.to_text();
        assert!(ApiKeySecret::parse(&text).unwrap() == key);
        for position in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[position] = if typo[position] == b'0' { b'1' } else { b'0' };
            assert!(
                ApiKeySecret::parse(std::str::from_utf8(&typo).unwrap()).is_none(),
                "{position}"
            );
        }
        for text in ["", "rvz_live_", "rvz_live_00000000", "ümlaut__"] {
            assert!(ApiKeySecret::parse(text).is_none());
        }
    }
}
