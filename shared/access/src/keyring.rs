//! Keys derived from the master key, one per purpose (HKDF-SHA-256, RFC 5869).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The purpose of a derived key. Keys of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypts the private halves of signing keys.
    SigningKeys,
    /// Authenticates cursors of lists.
    Cursors,
    /// Derives refresh tokens.
    RefreshTokens,
    /// Encrypts one-time links in events to notifications.
    Notifications,
    /// Passwords of the functions' database logins in local development.
    DatabaseLogins,
    /// Fingerprints of request bodies, so that stored hashes cannot be used to guess passwords in them.
    Fingerprints,
    /// Encrypts the state of a sign-in via an external provider in the browser.
    SignInFlows,
    /// The secret of internal callers, where none is configured.
    InternalCalls,
    /// Encrypts TOTP secrets.
    Totp,
    /// Authenticates the hash chain of the audit log.
    AuditChain,
    /// Authenticates file grants.
    FileGrants,
    /// Authenticates signed download links.
    DownloadLinks,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SigningKeys => b"revalenz/signing-keys/v1",
            Self::Cursors => b"revalenz/cursors/v1",
            Self::RefreshTokens => b"revalenz/refresh-tokens/v1",
            Self::Notifications => b"revalenz/notifications/v1",
            Self::DatabaseLogins => b"revalenz/database-logins/v1",
            Self::Fingerprints => b"revalenz/fingerprints/v1",
            Self::SignInFlows => b"revalenz/sign-in-flows/v1",
            Self::InternalCalls => b"revalenz/internal-calls/v1",
            Self::Totp => b"revalenz/totp/v1",
            Self::AuditChain => b"revalenz/audit-chain/v1",
            Self::FileGrants => b"revalenz/file-grants/v1",
            Self::DownloadLinks => b"revalenz/download-links/v1",
        }
    }
}

/// An invalid master key, or a ciphertext that cannot be decrypted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    /// Not `<id>:<base64 of 32 bytes>`, or several of them separated by commas.
    #[error("the master key must be <id>:<32 bytes in base64>, or several separated by commas")]
    Malformed,
    /// The ciphertext was modified, has another context, or its key is no longer in the keyring.
    #[error("the ciphertext cannot be decrypted")]
    Unsealable,
}

/// The active master keys: the first encrypts, all decrypt.
#[derive(Clone)]
pub struct Keyring(Vec<(u8, [u8; 32])>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

impl Keyring {
    /// Parses `<id>:<base64>[,<id>:<base64>]`; an id is a number from 0 to 255.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let keys: Option<Vec<_>> = text
            .split(',')
            .map(|entry| {
                let (id, key) = entry.trim().split_once(':')?;
                let key: [u8; 32] = STANDARD.decode(key).ok()?.try_into().ok()?;
                // A placeholder that was not replaced.
                let key = Some(key).filter(|key| *key != [0; 32])?;
                Some((id.parse().ok()?, key))
            })
            .collect();
        keys.map(Self).ok_or(KeyringError::Malformed)
    }

    /// Generates a master key in the format of [`Keyring::parse`].
    pub fn generate() -> String {
        format!("1:{}", STANDARD.encode(crate::opaque::random::<32>()))
    }

    /// The 32-byte key for a purpose, derived from the current master key.
    pub fn derive(&self, purpose: Purpose) -> [u8; 32] {
        self.0
            .first()
            .map_or([0; 32], |(_, master)| derive(master, purpose.label()))
    }

    /// An HMAC-SHA-256 over `data` with the current key of a purpose.
    pub fn mac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(purpose));
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&key, data).as_ref());
        tag
    }

    /// The HMAC with each active master key, the newest first; for data authenticated before a rotation.
    pub fn mac_with_each_key(&self, purpose: Purpose, data: &[u8]) -> Vec<[u8; 32]> {
        let under = |(_, master): &(u8, [u8; 32])| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(master, purpose.label()));
            let mut tag = [0; 32];
            tag.copy_from_slice(hmac::sign(&key, data).as_ref());
            tag
        };
        self.0.iter().map(under).collect()
    }

    /// The id of the current master key; stored beside data that outlives a rotation.
    pub fn current_id(&self) -> u8 {
        self.0.first().map_or(0, |(id, _)| *id)
    }

    /// The key for a purpose derived from the master key `id`, if that is still in the keyring.
    pub fn derive_with(&self, id: u8, purpose: Purpose) -> Option<[u8; 32]> {
        self.0
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, master)| derive(master, purpose.label()))
    }

    /// Encrypts with AES-256-GCM. Decryption requires the same `context`. The result contains the key's id.
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let (id, master) = self.0.first().ok_or(KeyringError::Malformed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &derive(master, purpose.label()))
            .map_err(|_| KeyringError::Malformed)?;
        let mut sealed = plain.to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::from(context), &mut sealed)
            .map_err(|_| KeyringError::Malformed)?;
        let mut result = vec![*id];
        result.extend_from_slice(nonce.as_ref());
        result.append(&mut sealed);
        Ok(result)
    }

    /// Decrypts the result of [`Keyring::seal`] with the key it names.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let (id, rest) = sealed.split_first().ok_or(KeyringError::Unsealable)?;
        let (nonce, ciphertext) = rest
            .split_at_checked(NONCE_LEN)
            .ok_or(KeyringError::Unsealable)?;
        let (_, master) = self
            .0
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(KeyringError::Unsealable)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &derive(master, purpose.label()))
            .map_err(|_| KeyringError::Unsealable)?;
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Unsealable)?;
        let mut buffer = ciphertext.to_vec();
        let plain = key
            .open_in_place(nonce, Aad::from(context), &mut buffer)
            .map_err(|_| KeyringError::Unsealable)?;
        Ok(plain.to_vec())
    }
}

fn derive(master: &[u8; 32], label: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let labels = [label];
    // A fixed salt: the master key is already uniformly random.
    let filled = hkdf::Salt::new(hkdf::HKDF_SHA256, b"revalenz")
        .extract(master)
        .expand(&labels, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key));
    debug_assert!(filled.is_ok(), "32 bytes are within HKDF's limit");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_different_keys() {
        let ring = Keyring::parse(&Keyring::generate()).unwrap();
        assert_ne!(
            ring.derive(Purpose::Cursors),
            ring.derive(Purpose::RefreshTokens)
        );
        assert_ne!(ring.derive(Purpose::Cursors), [0; 32]);
    }

    #[test]
    fn a_ciphertext_opens_only_unmodified_and_with_its_context_and_purpose() {
        let ring = Keyring::parse(&Keyring::generate()).unwrap();
        let sealed = ring
            .seal(Purpose::SigningKeys, b"key 1", b"secret")
            .unwrap();
        assert_eq!(
            ring.open(Purpose::SigningKeys, b"key 1", &sealed).unwrap(),
            b"secret"
        );
        assert!(ring.open(Purpose::SigningKeys, b"key 2", &sealed).is_err());
        assert!(
            ring.open(Purpose::Notifications, b"key 1", &sealed)
                .is_err()
        );
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(
                ring.open(Purpose::SigningKeys, b"key 1", &changed).is_err(),
                "byte {position}"
            );
        }
        assert!(ring.open(Purpose::SigningKeys, b"key 1", b"").is_err());
    }

    #[test]
    fn an_old_key_still_opens_after_a_rotation() {
        let old = format!("1:{}", STANDARD.encode([1; 32]));
        let sealed = Keyring::parse(&old)
            .unwrap()
            .seal(Purpose::SigningKeys, b"", b"secret")
            .unwrap();
        let both = Keyring::parse(&format!("2:{},{old}", STANDARD.encode([2; 32]))).unwrap();
        assert_eq!(
            both.open(Purpose::SigningKeys, b"", &sealed).unwrap(),
            b"secret"
        );
        assert!(Keyring::parse("1:short").is_err());
        let placeholder = format!("1:{}", STANDARD.encode([0; 32]));
        assert!(Keyring::parse(&placeholder).is_err());
    }
}
