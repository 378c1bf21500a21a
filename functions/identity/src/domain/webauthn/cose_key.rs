//! Public keys in COSE format (RFC 9053), for the three common algorithms.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
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
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                // A point that is not on the curve is a key that no signature fits.
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point).map_err(|_| MALFORMED)?;
                Ok(Self::Es256(point))
            }
            (OKP, ED_DSA) if number(CURVE)? == CURVE_ED25519 => {
                let point: &[u8; 32] = bytes(X)?.as_slice().try_into().map_err(|_| MALFORMED)?;
                if is_weak_point(point) {
                    return Err(MALFORMED);
                }
                Ok(Self::EdDsa(point.to_vec()))
            }
            (RSA, RS256) => {
                let (n, e) = (bytes(RSA_N)?, bytes(RSA_E)?);
                if !is_modulus(n) || !is_exponent(e) {
                    return Err(MALFORMED);
                }
                Ok(Self::Rs256 {
                    n: n.clone(),
                    e: e.clone(),
                })
            }
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

/// The y coordinates of the points of Ed25519 with an order of at most 8, in little-endian order. Signatures that fit such a key can be
/// made without a private key.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

/// Whether a point has a small order, or its y coordinate is not reduced modulo 2^255 - 19 (RFC 8032, 5.1.3).
fn is_weak_point(point: &[u8; 32]) -> bool {
    let mut y = *point;
    // The highest bit is the sign of x.
    y[31] &= 0x7f;
    let is_reduced = y[31] != 0x7f || y[1..31].iter().any(|byte| *byte != 0xff) || y[0] < 0xed;
    !is_reduced || SMALL_ORDER.contains(&y)
}

/// A big-endian number of 2,048 to 8,192 bits, odd as a product of two odd primes.
fn is_modulus(n: &[u8]) -> bool {
    (256..=1024).contains(&n.len()) && n[0] >= 0x80 && n[n.len() - 1] % 2 == 1
}

/// An odd big-endian number from 65,537 (FIPS 186-5, 5.1), of at most 64 bits.
fn is_exponent(e: &[u8]) -> bool {
    let value = e.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(256)?.checked_add(u64::from(*byte))
    });
    e.len() <= 8 && value.is_some_and(|value| value >= 65_537 && value % 2 == 1)
}

fn integer(value: &Value) -> Option<i64> {
    i64::try_from(value.as_integer()?).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    };

    use super::*;

    fn is_accepted(members: &[(i64, Value)]) -> bool {
        let map = members
            .iter()
            .map(|(label, value)| (Value::from(*label), value.clone()))
            .collect();
        let mut cose = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut cose).unwrap();
        PublicKey::parse(&cose).is_ok()
    }

    fn ed25519(point: &[u8]) -> bool {
        is_accepted(&[
            (KEY_TYPE, Value::from(OKP)),
            (ALGORITHM, Value::from(ED_DSA)),
            (CURVE, Value::from(CURVE_ED25519)),
            (X, Value::from(point.to_vec())),
        ])
    }

    fn p256(x: &[u8], y: &[u8]) -> bool {
        is_accepted(&[
            (KEY_TYPE, Value::from(EC2)),
            (ALGORITHM, Value::from(ES256)),
            (CURVE, Value::from(P256)),
            (X, Value::from(x.to_vec())),
            (Y, Value::from(y.to_vec())),
        ])
    }

    fn rsa(n: &[u8], e: &[u8]) -> bool {
        is_accepted(&[
            (KEY_TYPE, Value::from(RSA)),
            (ALGORITHM, Value::from(RS256)),
            (RSA_N, Value::from(n.to_vec())),
            (RSA_E, Value::from(e.to_vec())),
        ])
    }

    #[test]
    fn points_without_a_private_key_are_refused() {
        let key = Ed25519KeyPair::generate().unwrap();
        assert!(ed25519(key.public_key().as_ref()));
        for mut point in SMALL_ORDER {
            assert!(!ed25519(&point), "{point:?}");
            point[31] |= 0x80;
            assert!(!ed25519(&point), "{point:?} with the other sign");
        }
        // 2^255 - 19 + 1, which is another way to write 1.
        let mut unreduced = [0xff; 32];
        (unreduced[0], unreduced[31]) = (0xee, 0x7f);
        assert!(!ed25519(&unreduced));
        assert!(!ed25519(&[7; 31]));
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        assert!(p256(x, y));
        let mut other = y.to_vec();
        other[31] ^= 1;
        assert!(!p256(x, &other));
        assert!(!p256(&[0; 32], &[0; 32]));
        assert!(!p256(&x[1..], y));
    }

    #[test]
    fn short_keys_and_weak_exponents_are_refused() {
        let n = |length: usize| {
            let mut n = vec![0xff; length];
            n[0] = 0xc1;
            n
        };
        let (usual, one, three, even) = ([1, 0, 1], [1], [3], [1, 0, 2]);
        assert!(rsa(&n(256), &usual));
        assert!(!rsa(&n(64), &usual));
        assert!(!rsa(&n(2048), &usual));
        for e in [&one[..], &three, &even, &[], &[1; 9]] {
            assert!(!rsa(&n(256), e), "{e:?}");
        }
        let mut even_modulus = n(256);
        even_modulus[255] = 0xfe;
        assert!(!rsa(&even_modulus, &usual));
        let mut short = n(256);
        short[0] = 0x7f;
        assert!(!rsa(&short, &usual));
    }
}
