//! One master secret, one key per purpose (HKDF-SHA-256, RFC 5869).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// What a derived key is for. Keys of different purposes know nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypts the private halves of signing keys.
    SigningKeys,
    /// Authenticates cursors of lists.
    Cursors,
    /// Derives refresh tokens.
    RefreshTokens,
    /// Encrypts one-time links on their way to notifications.
    Notifications,
    /// Passwords of the functions' database logins on a laptop.
    DatabaseLogins,
    /// Tells whether a repeated request is the same, without keeping a hash by which its password could be guessed.
    Fingerprints,
    /// Encrypts what a sign-in by way of another issuer leaves in the browser.
    SignInFlows,
    /// What the relay and the scheduler present to functions, where no secret is set.
    InternalCalls,
    /// Encrypts the secrets of authenticator apps.
    Totp,
    /// Seals the rows of the audit log, each with the one before.
    AuditChain,
    /// Authenticates what one context says about the files of a thing that is its own.
    FileGrants,
    /// Authenticates addresses at which a file can be read without signing in.
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

/// Why the master key can't be used, or a ciphertext can't be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    /// Not `<id>:<base64 of 32 bytes>`, or several of them with commas between.
    #[error("the master key must be <id>:<32 bytes in base64>, several with commas between")]
    Malformed,
    /// The ciphertext was changed, belongs elsewhere, or its key is no longer in the ring.
    #[error("the ciphertext can't be opened")]
    Unsealable,
}

/// The live master keys: the first seals, all open.
#[derive(Clone)]
pub struct Keyring(Vec<(u8, [u8; 32])>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

impl Keyring {
    /// Reads `<id>:<base64>[,<id>:<base64>]`; an id is a number from 0 to 255.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let keys: Option<Vec<_>> = text
            .split(',')
            .map(|entry| {
                let (id, key) = entry.trim().split_once(':')?;
                let key: [u8; 32] = STANDARD.decode(key).ok()?.try_into().ok()?;
                Some((id.parse().ok()?, key))
            })
            .collect();
        keys.map(Self).ok_or(KeyringError::Malformed)
    }

    /// A fresh master key in the form that [`Keyring::parse`] reads.
    pub fn generate() -> String {
        format!("1:{}", STANDARD.encode(crate::opaque::random::<32>()))
    }

    /// The 32-byte key for a purpose, of the current master key.
    pub fn derive(&self, purpose: Purpose) -> [u8; 32] {
        self.0
            .first()
            .map_or([0; 32], |(_, master)| derive(master, purpose.label()))
    }

    /// An HMAC-SHA-256 over `data` with the key of a purpose.
    pub fn authenticate(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(purpose));
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&key, data).as_ref());
        tag
    }

    /// The same under every live master key, the newest first: for what was made before a rotation.
    pub fn mac_with_each_key(&self, purpose: Purpose, data: &[u8]) -> Vec<[u8; 32]> {
        let under = |(_, master): &(u8, [u8; 32])| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(master, purpose.label()));
            let mut tag = [0; 32];
            tag.copy_from_slice(hmac::sign(&key, data).as_ref());
            tag
        };
        self.0.iter().map(under).collect()
    }

    /// The id of the current master key: kept beside what outlives a rotation.
    pub fn current_id(&self) -> u8 {
        self.0.first().map_or(0, |(id, _)| *id)
    }

    /// The key for a purpose of the master key `id`, if it is still in the ring.
    pub fn derive_with(&self, id: u8, purpose: Purpose) -> Option<[u8; 32]> {
        self.0
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, master)| derive(master, purpose.label()))
    }

    /// Encrypts (AES-256-GCM). `context` must be the same to open it. The result carries the key's id.
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

    /// Opens what [`Keyring::seal`] made, with whichever live key it names.
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
    fn what_was_sealed_opens_only_unchanged_in_its_context_and_purpose() {
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
    }
}
