//! Opaque tokens: tenant and row id in clear, followed by a secret, so that a lookup is an ordinary transaction of the tenant.
//! Only a SHA-256 of the secret is stored: with 256 random bits, a slow hash would add nothing.

use aws_lc_rs::{constant_time, digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ids::{Id, IdKind, TenantId};
use uuid::Uuid;

/// Random bytes from the operating system.
///
/// # Panics
///
/// If the system has no randomness: nothing can be done safely without it.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = rand::fill(&mut bytes);
    assert!(filled.is_ok(), "no randomness");
    bytes
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    hash
}

/// Compares in constant time.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// A token for a row of kind `K`.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque<K> {
    /// The tenant of the row.
    pub tenant: TenantId,
    /// The row.
    pub row: Id<K>,
    /// The secret.
    pub secret: [u8; 32],
}

impl<K: IdKind> Opaque<K> {
    /// Generates a token with a new secret.
    pub fn generate(tenant: TenantId, row: Id<K>) -> Self {
        Self {
            tenant,
            row,
            secret: random(),
        }
    }

    /// The hash of the secret, for storage.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.secret)
    }

    /// The encoded token: 86 characters of base64url.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.tenant.uuid().as_bytes());
        bytes.extend(self.row.uuid().as_bytes());
        bytes.extend(self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a token; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (row, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            row: Id::from_uuid(Uuid::from_bytes(*row)),
            secret: secret.try_into().ok()?,
        })
    }
}

impl<K> std::fmt::Debug for Opaque<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opaque(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::{Session, SessionId};

    #[test]
    fn a_token_survives_a_round_trip() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let token = Opaque::<Session>::generate(TenantId::at(now), SessionId::at(now));
        let text = token.to_text();
        assert!(Opaque::parse(&text).unwrap() == token);
        assert!(Opaque::<Session>::parse(&text[1..]).is_none());
        assert!(Opaque::<Session>::parse("").is_none());
    }
}
