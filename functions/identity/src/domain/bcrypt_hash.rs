//! bcrypt hashes of imported passwords. They are verified once and replaced at the first sign-in.

use std::fmt;

use bcrypt::HashParts;
use web::{Localized, problem::FieldCode};

/// Each step doubles the time: 14 takes about one second on one core, 31 would take a day.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// What follows in a password is ignored by bcrypt.
pub(crate) const MAX_PASSWORD_BYTES: usize = 72;

/// A bcrypt hash: `$2a$`, `$2b$` or `$2y$`, a cost from 4 to 14, salt and hash. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BcryptHash(String);

impl fmt::Debug for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BcryptHash(…)")
    }
}

impl BcryptHash {
    /// Parses the text, or returns what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let known = ["$2a$", "$2b$", "$2y$"];
        let cost = text
            .get(4..6)
            .filter(|cost| cost.bytes().all(|byte| byte.is_ascii_digit()));
        match text.parse::<HashParts>() {
            Ok(parts) if cost.is_some() && known.iter().any(|kind| text.starts_with(kind)) => {
                if COSTS.contains(&parts.get_cost()) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(FieldCode::Rule("bcrypt_cost", COST_OUT_OF_RANGE))
                }
            }
            _ => Err(FieldCode::InvalidFormat(EXPECTED_FORMAT)),
        }
    }

    /// The stored form.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

const EXPECTED_FORMAT: Localized = Localized {
    de: "muss ein bcrypt-Hash mit 60 Zeichen sein, der mit $2a$, $2b$ oder $2y$ beginnt",
    en: "must be a bcrypt hash of 60 characters that starts with $2a$, $2b$ or $2y$",
};
const COST_OUT_OF_RANGE: Localized = Localized {
    de: "muss einen Kostenfaktor zwischen 4 und 14 haben",
    en: "must have a cost between 4 and 14",
};

/// Whether a stored hash is a bcrypt hash.
pub(crate) fn is_bcrypt(stored: &str) -> bool {
    stored.starts_with("$2")
}

/// Verifies a password. Like other implementations of bcrypt it uses only the first 72 bytes.
pub(crate) fn verify(password: &str, stored: &str) -> bool {
    bcrypt::verify(password, stored).is_ok_and(|right| right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hash of the password `U*U`, from the test vectors of `crypt_blowfish`.
    const VECTOR: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn a_known_hash_verifies_with_every_prefix() {
        for letter in ["a", "b", "y"] {
            let hash = VECTOR.replacen("2a", &format!("2{letter}"), 1);
            let hash = BcryptHash::parse(&hash).unwrap();
            assert!(verify("U*U", hash.as_str()));
            assert!(!verify("U*u", hash.as_str()));
            assert!(!verify("", hash.as_str()));
        }
    }

    #[test]
    fn expensive_and_malformed_hashes_are_refused() {
        let code = |hash: &str| BcryptHash::parse(hash).unwrap_err().code();
        for cost in ["31", "15", "03", "00"] {
            assert_eq!(
                code(&VECTOR.replacen("05", cost, 1)),
                "bcrypt_cost",
                "{cost}"
            );
        }
        for hash in [
            "",
            "plain text",
            "$argon2id$v=19$m=1048576,t=9,p=1$c2FsdHNhbHQ$aGFzaA",
            &VECTOR.replacen("2a", "2x", 1),
            &VECTOR.replacen("05", "+5", 1),
            &VECTOR[..59],
            &format!("{VECTOR}a"),
            &VECTOR.replacen('C', "ü", 1),
        ] {
            assert_eq!(code(hash), "invalid_format", "{hash}");
        }
    }

    #[test]
    fn debug_output_hides_the_hash() {
        let hash = BcryptHash::parse(VECTOR).unwrap();
        assert!(!format!("{hash:?}").contains("CCC"));
    }
}
