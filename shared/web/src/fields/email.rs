//! Email addresses.

use serde::Serialize;
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat};

use super::parsed_text;
use crate::{language::Localized, problem::FieldCode};

/// An email address in lower case, at most 254 characters (RFC 5321, 4.5.3.1).
///
/// Accepts an RFC 5322 dot-atom as the local part and a host name with at least one dot (both also in Unicode). Quoted local
/// parts, comments and address literals are rejected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        if text.chars().count() > 254 {
            return Err(FieldCode::TooLong(254));
        }
        match text.rsplit_once('@') {
            Some((local, host)) if is_local(local) && is_host(host) => {
                Ok(Self(text.to_lowercase()))
            }
            _ => Err(FieldCode::InvalidFormat(Localized {
                de: "muss eine E-Mail-Adresse sein",
                en: "must be an email address",
            })),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(254))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
    }
}

fn is_local(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~.".contains(c)
                || (!c.is_ascii() && c.is_alphanumeric())
        })
}

fn is_host(host: &str) -> bool {
    host.contains('.')
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c == '-' || c.is_alphanumeric())
        })
}

parsed_text!([] Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_lower_case() {
        assert_eq!(
            Email::parse(" Jo.Doe+x@Example.ORG ").unwrap().as_str(),
            "jo.doe+x@example.org"
        );
        assert!(Email::parse("jürgen@müller.example").is_ok());
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@-b.de",
            "a..b@c.de",
            ".a@b.de",
            "a@b..de",
            "a@b.de\nbcc: x@y.de",
            "a\0@b.de",
            "<a@b.de>",
            "a@[127.0.0.1]",
            "\"a b\"@c.de",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }
}
