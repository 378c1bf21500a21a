//! What an API key may do, and from where.

use ipnet::IpNet;
use utoipa::openapi::ObjectBuilder;
use web::{Texts, problem::FieldCode};

/// A permission as a key holds it. Whether it exists is for the database to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('.').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c == '_' || c.is_ascii_lowercase())
        };
        if text.len() <= 100 && parts.len() == 3 && parts.iter().all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldCode::InvalidFormat(Texts {
                de: "muss eine Berechtigung wie support.ticket.read sein",
                en: "must be a permission such as support.ticket.read",
            }))
        }
    }

    /// The permission's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(100))
            .pattern(Some(r"^[a-z_]+\.[a-z_]+\.[a-z_]+$"))
            .examples(["support.ticket.read"])
    }
}

super::text_field!(Scope);

/// A range of addresses in CIDR notation; a single address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange(IpNet);

impl IpRange {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
            // Two spellings of one range are the same range.
            .map(|range| Self(range.trunc()))
            .map_err(|_| {
                FieldCode::InvalidFormat(Texts {
                    de: "muss ein Adressbereich wie 203.0.113.0/24 sein",
                    en: "must be a range of addresses such as 203.0.113.0/24",
                })
            })
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(49))
            .examples(["203.0.113.0/24", "2001:db8::/32"])
    }
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

super::text_field!(IpRange);

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
    fn a_range_is_kept_in_one_spelling() {
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
        fn what_a_range_prints_it_also_reads(bits in any::<u32>(), length in 0_u8..=32) {
            let text = format!("{}/{length}", std::net::Ipv4Addr::from(bits));
            let range = IpRange::parse(&text).unwrap();
            prop_assert_eq!(IpRange::parse(&range.to_string()).unwrap(), range);
        }
    }
}
