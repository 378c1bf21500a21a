//! Scopes and IP ranges of API keys.

use ipnet::IpNet;
use web::{Localized, problem::FieldCode};

/// A permission of an API key. Whether it exists is checked in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(String);

impl Scope {
    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('.').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c == '_' || c.is_ascii_lowercase())
        };
        if text.len() <= 100 && parts.len() == 3 && parts.iter().all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldCode::InvalidFormat(Localized {
                de: "muss eine Berechtigung wie support.ticket.read sein",
                en: "must be a permission such as support.ticket.read",
            }))
        }
    }

    /// The name of the permission.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A range of IP addresses in CIDR notation. A single address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpRange(IpNet);

impl IpRange {
    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
            // Host bits are cleared, so that a range has one notation.
            .map(|range| Self(range.trunc()))
            .map_err(|_| {
                FieldCode::InvalidFormat(Localized {
                    de: "muss ein IP-Adressbereich wie 203.0.113.0/24 sein",
                    en: "must be an IP range such as 203.0.113.0/24",
                })
            })
    }
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scopes_have_the_form_of_permissions() {
        assert!(Scope::parse("tenancy.api_key.read").is_ok());
        for text in [
            "",
            "support",
            "support.ticket",
            "support..read",
            "a.b.c.d",
            "Support.ticket.read",
            "*.*.*",
        ] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_range_has_one_notation() {
        for (text, kept) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("2001:DB8::1/32", "2001:db8::/32"),
        ] {
            assert_eq!(IpRange::parse(text).unwrap().to_string(), kept);
        }
        for text in [
            "",
            "203.0.113.0/33",
            "example.org",
            "203.0.113",
            "203.0.113.0/-1",
        ] {
            assert!(IpRange::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_range_parses_to_itself(bits in any::<u32>(), length in 0_u8..=32) {
            let text = format!("{}/{length}", std::net::Ipv4Addr::from(bits));
            let range = IpRange::parse(&text).unwrap();
            prop_assert_eq!(IpRange::parse(&range.to_string()).unwrap(), range);
        }
    }
}
