//! Hashes of passwords that people bring along from another system. They are checked once: at the first sign-in ours takes
//! their place.

use std::fmt;

use bcrypt::HashParts;
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Localized,
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

/// Each step doubles the time: 14 is about a second of one core, and 31 would be a day.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// A hash of bcrypt: `$2a$`, `$2b$` or `$2y$`, a cost from 4 to 14, salt and hash. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BcryptHash(String);

impl fmt::Debug for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BcryptHash(…)")
    }
}

impl BcryptHash {
    /// Reads it, or says what is wrong.
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
                    Err(FieldCode::Rule("bcrypt_cost", COST))
                }
            }
            _ => Err(FieldCode::InvalidFormat(FORM)),
        }
    }

    /// As it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

const FORM: Localized = Localized {
    de: "muss ein bcrypt-Hash sein: $2a$, $2b$ oder $2y$ und 60 Zeichen",
    en: "must be a bcrypt hash: $2a$, $2b$ or $2y$, and 60 characters",
};
const COST: Localized = Localized {
    de: "hat Kosten, die nicht zwischen 4 und 14 liegen",
    en: "has a cost that is not between 4 and 14",
};

/// Whether a stored hash is one of these.
pub(crate) fn is_bcrypt(stored: &str) -> bool {
    stored.starts_with("$2")
}

/// Checks a password against one. Like the systems that made them it looks at 72 bytes.
pub(crate) fn verify(password: &str, stored: &str) -> bool {
    bcrypt::verify(password, stored).is_ok_and(|right| right)
}

impl Field for BcryptHash {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(text.trim()).map_or_else(|code| errors.refuse(at, code), Some)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$"))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the password `U*U`, from the test vectors of `crypt_blowfish`.
    const VECTOR: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn a_known_hash_is_checked_whatever_its_letter() {
        for letter in ["a", "b", "y"] {
            let hash = VECTOR.replacen("2a", &format!("2{letter}"), 1);
            let hash = BcryptHash::parse(&hash).unwrap();
            assert!(verify("U*U", hash.as_str()));
            assert!(!verify("U*u", hash.as_str()));
            assert!(!verify("", hash.as_str()));
        }
    }

    #[test]
    fn nobody_brings_a_hash_that_costs_a_day() {
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
    fn it_is_never_printed() {
        let hash = BcryptHash::parse(VECTOR).unwrap();
        assert!(!format!("{hash:?}").contains("CCC"));
    }
}
