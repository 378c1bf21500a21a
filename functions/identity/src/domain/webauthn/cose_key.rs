//! Public keys in COSE format (RFC 9053), for the three common algorithms.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use ciborium::Value;

use super::WebauthnError;

const ES256: i64 = -7;
const ED_DSA: i64 = -8;
const RS256: i64 = -257;
/// Accepted algorithms, in order of preference.
pub(crate) const ALGORITHMS: [i64; 3] = [ES256, ED_DSA, RS256];

// Labels of the map: RFC 9052, 7.1, and RFC 9053, 7.
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const RSA_N: i64 = -1;
const RSA_E: i64 = -2;

const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const CURVE_ED25519: i64 = 6;

const MALFORMED: WebauthnError = WebauthnError::Malformed("public key");

/// A public key, bound to its algorithm.
#[derive(Debug)]
pub(super) enum PublicKey {
    /// An uncompressed point of P-256.
    Es256(Vec<u8>),
    /// A point of Ed25519.
    EdDsa(Vec<u8>),
    /// Modulus and exponent.
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// Parses a `COSE_Key`.
    pub(super) fn parse(cose: &[u8]) -> Result<Self, WebauthnError> {
        let mut rest = cose;
        let key: Value = ciborium::from_reader(&mut rest).map_err(|_| MALFORMED)?;
        let Value::Map(members) = key else {
            return Err(MALFORMED);
        };
        let find = |label: i64| {
            let of_label = |(name, _): &&(Value, Value)| integer(name) == Some(label);
            members.iter().find(of_label).map(|(_, value)| value)
        };
        let number = |label| find(label).and_then(integer).ok_or(MALFORMED);
        let bytes = |label| find(label).and_then(Value::as_bytes).ok_or(MALFORMED);
        match (number(KEY_TYPE)?, number(ALGORITHM)?) {
            (EC2, ES256) if number(CURVE)? == P256 => {
                let (x, y) = (bytes(X)?, bytes(Y)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(MALFORMED);
                }
                Ok(Self::Es256([&[4], x.as_slice(), y.as_slice()].concat()))
            }
            (OKP, ED_DSA) if number(CURVE)? == CURVE_ED25519 && bytes(X)?.len() == 32 => {
                Ok(Self::EdDsa(bytes(X)?.clone()))
            }
            (RSA, RS256) => Ok(Self::Rs256 {
                n: bytes(RSA_N)?.clone(),
                e: bytes(RSA_E)?.clone(),
            }),
            _ => Err(MALFORMED),
        }
    }

    /// Verifies a signature.
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(signed, signature)
            }
            Self::EdDsa(point) => UnparsedPublicKey::new(&ED25519, point).verify(signed, signature),
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
        };
        verified.map_err(|_| WebauthnError::InvalidSignature)
    }
}

fn integer(value: &Value) -> Option<i64> {
    i64::try_from(value.as_integer()?).ok()
}
