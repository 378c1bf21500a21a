//! Email addresses.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat};

use super::parsed_text;
use crate::{language::Localized, problem::FieldCode};

const MAX_LENGTH: usize = 254;

/// An email address in its canonical form, at most 254 characters (RFC 5321, 4.5.3.1): the local part in NFC and lower case, the host as
/// A-labels (UTS 46, strict), so that `eva@SÜD-haus.example` and `eva@xn--sd-haus-n2a.example` are one mailbox.
///
/// Accepts an RFC 5322 dot-atom as the local part, also in Unicode (RFC 6531), and a host name with at least one dot. Quoted local
/// parts, comments and address literals are rejected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let wrong = || {
            FieldCode::InvalidFormat(Localized {
                de: "muss eine E-Mail-Adresse sein",
                en: "must be an email address",
            })
        };
        let text = text.trim();
        if text.chars().count() > MAX_LENGTH {
            return Err(FieldCode::TooLong(MAX_LENGTH));
        }
        let (local, host) = text.rsplit_once('@').ok_or_else(wrong)?;
        // The case first: the lower case of a composed letter may be decomposed.
        let local: String = local.to_lowercase().nfc().collect();
        let host = idna::domain_to_ascii_strict(host).map_err(|_| wrong())?;
        if !is_local(&local) || !is_host(&host) {
            return Err(wrong());
        }
        let address = format!("{local}@{host}");
        if address.chars().count() > MAX_LENGTH {
            return Err(FieldCode::TooLong(MAX_LENGTH));
        }
        Ok(Self(address))
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
            .max_length(Some(MAX_LENGTH))
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

/// Whether A-labels are a host name: at least two, of which the last does not make it an IP address.
fn is_host(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(rest, top)| {
        !rest.is_empty() && top.starts_with(|c: char| c.is_ascii_lowercase())
    })
}

parsed_text!([] Email);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_mailbox_has_one_form() {
        for (written, kept) in [
            (" Jo.Doe+x@Example.ORG ", "jo.doe+x@example.org"),
            ("eva@süd-haus.example", "eva@xn--sd-haus-n2a.example"),
            ("Eva@XN--SD-HAUS-N2A.example", "eva@xn--sd-haus-n2a.example"),
            ("ju\u{308}rgen@post.example", "jürgen@post.example"),
            ("JÜRGEN@post.example", "jürgen@post.example"),
            ("\u{212A}@post.example", "k@post.example"),
            ("a@ｅxample。org", "a@example.org"),
        ] {
            assert_eq!(Email::parse(written).unwrap().as_str(), kept, "{written}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_address_parses_to_itself(
            text in prop_oneof!["\\PC{1,20}@\\PC{1,20}", "[\\pL.]{1,9}@[\\pL-]{1,9}\\.[a-z]{2}"]
        ) {
            if let Ok(address) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(address.as_str()).unwrap(), address);
            }
        }
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
            "a@xn--zzzzzzz9999.example",
            "x@1.2.3.4",
            "a@b_c.de",
            "istanbul\u{130}@post.example",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }
}
