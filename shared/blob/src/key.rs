//! Object keys.

use std::fmt;

/// A path of segments of lower-case letters, digits and `-`, separated by `/`. Unambiguous for every store, file system and
/// URL, and without path traversal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

/// The text is not a valid key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "an object key must consist of lower-case letters, digits and hyphens, separated by slashes"
)]
pub struct KeyError;

/// Maximum length of a key.
const MAX_LENGTH: usize = 200;

impl Key {
    /// Parses a key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let is_valid = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= MAX_LENGTH && text.split('/').all(is_valid) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError)
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_escape_its_root() {
        assert!(Key::parse("tenant/019ab1f2-6d3e/2026/11/019ab1f3").is_ok());
        for text in [
            "",
            "/",
            "/etc/passwd",
            "a/../b",
            "a//b",
            "a/",
            "a/.",
            "A",
            "a b",
            "a\\b",
            "ä",
            "a\0",
            &"a".repeat(201),
        ] {
            assert_eq!(Key::parse(text), Err(KeyError), "{text:?}");
        }
    }
}
