//! Where an object is.

use std::fmt;

/// A path of lower-case letters, digits and `-`, with `/` between its parts: nothing that any store, file system or URL
/// reads in two ways, and nothing that leads out of where it begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

/// The text is no key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an object's key has lower-case letters, digits and hyphens between its slashes")]
pub struct KeyError;

/// Characters of the longest key.
const LONGEST: usize = 200;

impl Key {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let sound = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= LONGEST && text.split('/').all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError)
        }
    }

    /// Its text.
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
    fn a_key_leads_nowhere_but_down() {
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
