//! Authenticator data (`WebAuthn` 6.1).

use ciborium::Value;

use super::WebauthnError;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// Authenticator data.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: &'a [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    /// The new credential, at registration.
    pub(super) credential: Option<Credential<'a>>,
}

/// A public key and its credential ID.
#[derive(Debug)]
pub(super) struct Credential<'a> {
    pub(super) id: &'a [u8],
    /// The key in COSE format.
    pub(super) public_key: &'a [u8],
}

const MALFORMED: WebauthnError = WebauthnError::Malformed("authenticator data");

impl<'a> AuthenticatorData<'a> {
    /// Parses all bytes.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(MALFORMED)?;
        let (&flags, rest) = rest.split_first().ok_or(MALFORMED)?;
        // A key that cannot be backed up is not backed up (Level 3, 7.1 and 7.2).
        if flags & BACKUP_ELIGIBLE == 0 && flags & BACKED_UP != 0 {
            return Err(MALFORMED);
        }
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let credential = if flags & HAS_CREDENTIAL == 0 {
            None
        } else {
            let (_aaguid, after) = rest.split_first_chunk::<16>().ok_or(MALFORMED)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(MALFORMED)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, after) = after.split_at_checked(length).ok_or(MALFORMED)?;
            let public_key = first_cbor_item(after)?;
            rest = after.get(public_key.len()..).ok_or(MALFORMED)?;
            Some(Credential { id, public_key })
        };
        if flags & HAS_EXTENSIONS != 0 {
            let extensions = first_cbor_item(rest)?;
            rest = rest.get(extensions.len()..).ok_or(MALFORMED)?;
        }
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self {
            rp_id_hash,
            flags,
            sign_count: u32::from_be_bytes(*sign_count),
            credential,
        })
    }

    /// User presence.
    pub(super) fn is_user_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    /// User verification, by biometrics or a PIN.
    pub(super) fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }
}

/// Returns the bytes of the first CBOR item.
fn first_cbor_item(bytes: &[u8]) -> Result<&[u8], WebauthnError> {
    let mut rest = bytes;
    let _: Value = ciborium::from_reader(&mut rest).map_err(|_| MALFORMED)?;
    bytes.get(..bytes.len() - rest.len()).ok_or(MALFORMED)
}

/// Extracts the authenticator data from an attestation object (6.5); the attestation statement is ignored.
pub(super) fn parse_attestation(object: &[u8]) -> Result<Vec<u8>, WebauthnError> {
    let malformed = WebauthnError::Malformed("attestation object");
    let mut rest = object;
    let object: Value = ciborium::from_reader(&mut rest).map_err(|_| malformed)?;
    let Value::Map(members) = object else {
        return Err(malformed);
    };
    members
        .into_iter()
        .find(|(name, _)| name.as_text() == Some("authData"))
        .and_then(|(_, data)| data.into_bytes().ok())
        .ok_or(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Authenticator data without a credential.
    fn data(flags: u8) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 0, 1]].concat()
    }

    #[test]
    fn only_a_key_that_can_be_backed_up_is_backed_up() {
        for (flags, is_possible) in [
            (USER_PRESENT, true),
            (USER_PRESENT | BACKUP_ELIGIBLE, true),
            (USER_PRESENT | BACKUP_ELIGIBLE | BACKED_UP, true),
            (USER_PRESENT | BACKED_UP, false),
        ] {
            let data = data(flags);
            assert_eq!(
                AuthenticatorData::parse(&data).is_ok(),
                is_possible,
                "{flags:08b}"
            );
        }
    }
}
