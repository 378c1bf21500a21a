//! The host name of a tenant's own frontend.

use web::{Localized, problem::FieldCode};

/// Top-level names that are not reachable on the public internet (RFC 6761, 6762, 7686, 8375, ICANN's `internal`).
const PRIVATE: &[&str] = &[
    "alt",
    "arpa",
    "home",
    "internal",
    "invalid",
    "lan",
    "local",
    "localhost",
    "onion",
];

/// A DNS name with at least two labels, without scheme, port or trailing dot, as browsers send it: lower case, other
/// scripts in Punycode (UTS 46).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName(String);

impl HostName {
    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let wrong = || {
            FieldCode::InvalidFormat(Localized {
                de: "muss ein Hostname wie app.example.org sein",
                en: "must be a host name such as app.example.org",
            })
        };
        let host = idna::domain_to_ascii_strict(text.trim()).map_err(|_| wrong())?;
        let (rest, top) = host.rsplit_once('.').ok_or_else(wrong)?;
        // A last label that begins with a digit could be parsed as an IP address.
        let is_name = !rest.is_empty()
            && top.starts_with(|c: char| c.is_ascii_lowercase())
            && !PRIVATE.contains(&top);
        if is_name {
            Ok(Self(host))
        } else {
            Err(wrong())
        }
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it belongs to the platform: the host of its public URL, its subdomains and its siblings.
    pub(crate) fn is_of_platform(&self, public_url: &str) -> bool {
        let own = public_url
            .split_once("://")
            .map_or(public_url, |(_, rest)| rest);
        let own = own.split(['/', ':']).next().unwrap_or_default();
        let domain = match own.split_once('.') {
            Some((_, parent)) if parent.contains('.') => parent,
            _ => own,
        };
        !domain.is_empty()
            && (self.0 == domain
                || self
                    .0
                    .strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn host_names_are_normalised() {
        for (text, kept) in [
            ("App.Example.ORG", "app.example.org"),
            (" xn--mller-kva.example ", "xn--mller-kva.example"),
            ("Müller.example", "xn--mller-kva.example"),
            ("mu\u{308}ller。example", "xn--mller-kva.example"),
            ("ｅxample.org", "example.org"),
        ] {
            assert_eq!(HostName::parse(text).unwrap().as_str(), kept, "{text}");
        }
    }

    #[test]
    fn names_that_are_no_public_hosts_are_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            "localhost",
            "example",
            "127.0.0.1",
            "127.1",
            "[::1]",
            "0x7f.1",
            "https://a.example",
            "a.example:80",
            "a.example/x",
            "user@a.example",
            "a..example",
            ".example",
            "-a.example",
            "a.example.",
            "a b.example",
            "a_b.example",
            "*.example.org",
            "xn--\u{0}.example",
            "xn--zzzzzzz9999.example",
            "db.internal",
            "printer.local",
            "a.localhost",
            "1.0.0.127.in-addr.arpa",
            &long,
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn hosts_of_the_platform_are_recognised() {
        let ours = |host: &str, url: &str| HostName::parse(host).unwrap().is_of_platform(url);
        let url = "https://api.revalenz.example:8443";
        for host in [
            "api.revalenz.example",
            "revalenz.example",
            "www.revalenz.example",
            "a.api.revalenz.example",
        ] {
            assert!(ours(host, url), "{host}");
        }
        for host in [
            "revalenz.example.org",
            "notrevalenz.example",
            "demo.example",
        ] {
            assert!(!ours(host, url), "{host}");
        }
        assert!(ours("a.revalenz.example", "https://revalenz.example"));
        assert!(!ours("demo.example", "https://revalenz.example"));
        assert!(!ours("demo.example", "http://127.0.0.1:8080"));
    }

    proptest! {
        #[test]
        fn a_parsed_host_name_parses_to_itself(text in "\\PC{0,40}") {
            if let Ok(host) = HostName::parse(&text) {
                prop_assert_eq!(HostName::parse(host.as_str()).unwrap(), host);
            }
        }
    }
}
