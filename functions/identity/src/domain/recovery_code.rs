//! Recovery codes, for users who have lost their second factors.

use access::opaque::{random, sha256};
use data_encoding::BASE32_NOPAD;

/// Number of codes in a set.
pub(crate) const RECOVERY_CODES: usize = 10;

/// A code with 80 random bits, so a fast hash is sufficient.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RecoveryCode([u8; 10]);

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// Generates a new set.
    pub(crate) fn generate() -> [Self; RECOVERY_CODES] {
        std::array::from_fn(|_| Self(random()))
    }

    /// Parses a code as entered, ignoring case, hyphens and spaces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain: String = text
            .chars()
            .filter(|c| *c != '-' && !c.is_whitespace())
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let bytes = BASE32_NOPAD.decode(plain.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The code for display: four groups of four characters.
    pub(crate) fn to_text(&self) -> String {
        let plain = BASE32_NOPAD.encode(&self.0).to_ascii_lowercase();
        let groups: Vec<&str> = (0..16)
            .step_by(4)
            .filter_map(|start| plain.get(start..start + 4))
            .collect();
        groups.join("-")
    }

    /// The hash that is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_parsed_in_any_spelling() {
        let [code, other, ..] = RecoveryCode::generate();
        assert!(code != other);
        let text = code.to_text();
        assert_eq!(text.len(), 19);
        for typed in [
            text.clone(),
            text.to_uppercase(),
            text.replace('-', " "),
            text.replace('-', ""),
        ] {
            assert_eq!(RecoveryCode::parse(&typed), Some(code.clone()), "{typed}");
        }
        for typed in ["", "aaaa-aaaa-aaaa", "1111-1111-1111-1111", "ääää"] {
            assert_eq!(RecoveryCode::parse(typed), None, "{typed}");
        }
    }
}
