//! Verification of authenticator responses (`WebAuthn` Level 2), in the order of sections 7.1 and 7.2 of the standard.
//!
//! Attestation is neither requested nor evaluated: it identifies the authenticator's manufacturer, and no manufacturer is excluded.

mod authenticator_data;
mod client_data;
mod cose_key;

use access::opaque::{constant_time_eq, sha256};

use authenticator_data::AuthenticatorData;
use client_data::Ceremony;
pub(crate) use client_data::ClientData;
pub(crate) use cose_key::ALGORITHMS;
use cose_key::PublicKey;

/// Maximum length of a credential ID (7.1, 25).
const MAX_CREDENTIAL_ID_LENGTH: usize = 1_023;

/// Why a response was refused. For the log only: the client learns only that it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WebauthnError {
    /// Not in the format that the standard requires.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Made for a different ceremony, challenge or page.
    #[error("made for a different {0}")]
    Mismatch(&'static str),
    /// The user was not present, or not verified.
    #[error("the user was not {0}")]
    NotConfirmed(&'static str),
    /// The signature does not match the key.
    #[error("invalid signature")]
    InvalidSignature,
}

/// The values that a response must match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// The random challenge.
    pub(crate) challenge: &'a [u8],
    /// The host of the page. The caller checks that the page belongs to the tenant.
    pub(crate) rp_id: &'a str,
    /// Whether user verification is required.
    pub(crate) verified: bool,
}

/// A newly registered credential.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) credential_id: Vec<u8>,
    /// The key in COSE format.
    pub(crate) public_key: Vec<u8>,
    pub(crate) sign_count: u32,
}

/// The response to an assertion request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assertion<'a> {
    pub(crate) client_data: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// Verifies the response of `navigator.credentials.create()`.
pub(crate) fn verify_registration(
    client_data: &ClientData,
    attestation_object: &[u8],
    expected: Expected<'_>,
) -> Result<Registered, WebauthnError> {
    client_data.check(Ceremony::Create, expected.challenge)?;
    let bytes = authenticator_data::parse_attestation(attestation_object)?;
    let data = AuthenticatorData::parse(&bytes)?;
    check_data(&data, expected)?;
    let credential = data
        .credential
        .ok_or(WebauthnError::Malformed("credential data"))?;
    if credential.id.is_empty() || credential.id.len() > MAX_CREDENTIAL_ID_LENGTH {
        return Err(WebauthnError::Malformed("credential id"));
    }
    PublicKey::parse(credential.public_key)?;
    Ok(Registered {
        credential_id: credential.id.to_vec(),
        public_key: credential.public_key.to_vec(),
        sign_count: data.sign_count,
    })
}

/// Verifies the response of `navigator.credentials.get()` and returns the signature counter.
pub(crate) fn verify_assertion(
    client_data: &ClientData,
    assertion: Assertion<'_>,
    public_key: &[u8],
    expected: Expected<'_>,
) -> Result<u32, WebauthnError> {
    client_data.check(Ceremony::Get, expected.challenge)?;
    let data = AuthenticatorData::parse(assertion.authenticator_data)?;
    check_data(&data, expected)?;
    let signed = [
        assertion.authenticator_data,
        &sha256(assertion.client_data)[..],
    ]
    .concat();
    PublicKey::parse(public_key)?.verify(&signed, assertion.signature)?;
    Ok(data.sign_count)
}

fn check_data(data: &AuthenticatorData<'_>, expected: Expected<'_>) -> Result<(), WebauthnError> {
    if !constant_time_eq(data.rp_id_hash, &sha256(expected.rp_id.as_bytes())) {
        return Err(WebauthnError::Mismatch("page"));
    }
    if !data.is_user_present() {
        return Err(WebauthnError::NotConfirmed("present"));
    }
    if expected.verified && !data.is_user_verified() {
        return Err(WebauthnError::NotConfirmed("verified"));
    }
    Ok(())
}
