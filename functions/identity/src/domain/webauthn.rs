//! What authenticators say (`WebAuthn` Level 2), checked in the order of the standard's sections 7.1 and 7.2.
//!
//! Attestation is not asked for and not looked at: it would tell the maker of an authenticator, and nobody is kept out by that.

mod authenticator_data;
mod client_data;
mod cose_key;

use access::opaque::{same, sha256};

use authenticator_data::AuthenticatorData;
use client_data::Ceremony;
pub(crate) use client_data::ClientData;
pub(crate) use cose_key::ALGORITHMS;
use cose_key::PublicKey;

/// Longest identifier of a credential (7.1, 25).
const LONGEST_CREDENTIAL_ID: usize = 1_023;

/// Why it is not believed. For the log's eyes: the client learns only that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Not of the form that the standard gives it.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Made for something else: another ceremony, challenge, or page.
    #[error("made for another {0}")]
    Other(&'static str),
    /// Nobody touched the authenticator, or proved who they are to it.
    #[error("the user was not {0}")]
    Absent(&'static str),
    /// The signature is not the key's.
    #[error("wrong signature")]
    Signature,
}

/// What an answer must have been made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// Bytes that nobody could foresee.
    pub(crate) challenge: &'a [u8],
    /// The page's host. That the page is the tenant's is checked by whoever calls.
    pub(crate) rp_id: &'a str,
    /// Whether the authenticator must have asked for a finger, a face or a PIN.
    pub(crate) verified: bool,
}

/// A key that an authenticator made.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) credential_id: Vec<u8>,
    /// As COSE writes it.
    pub(crate) public_key: Vec<u8>,
    pub(crate) sign_count: u32,
}

/// The answer to a request for a signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assertion<'a> {
    pub(crate) client_data: &'a [u8],
    pub(crate) authenticator_data: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// Checks the answer of `navigator.credentials.create()`.
pub(crate) fn register(
    client_data: &ClientData,
    attestation_object: &[u8],
    expected: Expected<'_>,
) -> Result<Registered, Refused> {
    client_data.check(Ceremony::Create, expected.challenge)?;
    let bytes = authenticator_data::of_attestation(attestation_object)?;
    let data = AuthenticatorData::parse(&bytes)?;
    check_data(&data, expected)?;
    let credential = data
        .credential
        .ok_or(Refused::Malformed("credential data"))?;
    if credential.id.is_empty() || credential.id.len() > LONGEST_CREDENTIAL_ID {
        return Err(Refused::Malformed("credential id"));
    }
    PublicKey::parse(credential.public_key)?;
    Ok(Registered {
        credential_id: credential.id.to_vec(),
        public_key: credential.public_key.to_vec(),
        sign_count: data.sign_count,
    })
}

/// Checks the answer of `navigator.credentials.get()`; answers the authenticator's counter.
pub(crate) fn assert(
    client_data: &ClientData,
    assertion: Assertion<'_>,
    public_key: &[u8],
    expected: Expected<'_>,
) -> Result<u32, Refused> {
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

fn check_data(data: &AuthenticatorData<'_>, expected: Expected<'_>) -> Result<(), Refused> {
    if !same(data.rp_id_hash, &sha256(expected.rp_id.as_bytes())) {
        return Err(Refused::Other("page"));
    }
    if !data.present() {
        return Err(Refused::Absent("present"));
    }
    if expected.verified && !data.verified() {
        return Err(Refused::Absent("verified"));
    }
    Ok(())
}
