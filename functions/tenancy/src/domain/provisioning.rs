//! Rules for new tenants.

use chrono::TimeDelta;
use web::{Localized, Slug, problem::FieldCode};

/// How long the invitation of the first admin is valid.
pub(crate) const INVITATION_TTL: TimeDelta = TimeDelta::days(7);

web::text_enum! {
    /// The initial status of a tenant.
    pub enum FirstStatus {
        /// Evaluating the platform.
        Trial = "trial",
        /// Paying.
        Active = "active",
    }
}

/// Names that the platform reserves for its own hosts, paths and senders.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "assets",
    "auth",
    "billing",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "docs",
    "ftp",
    "help",
    "hostmaster",
    "imap",
    "internal",
    "localhost",
    "login",
    "mail",
    "metrics",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "oauth",
    "pop",
    "postmaster",
    "public",
    "revalenz",
    "root",
    "security",
    "smtp",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "webmail",
    "webmaster",
    "www",
];

/// The slug of a new tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TenantSlug(Slug);

impl TenantSlug {
    /// Parses and validates the slug.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let slug = Slug::parse(text)?;
        if RESERVED.contains(&slug.as_str()) {
            return Err(FieldCode::Rule(
                "reserved",
                Localized {
                    de: "ist für die Plattform reserviert",
                    en: "is reserved for the platform",
                },
            ));
        }
        Ok(Self(slug))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_refused_as_slugs() {
        for text in ["revalenz", "www", " api ", "internal"] {
            assert_eq!(TenantSlug::parse(text).unwrap_err().code(), "reserved");
        }
        assert_eq!(
            TenantSlug::parse("Demo").unwrap_err().code(),
            "invalid_format"
        );
        for text in ["demo", "other", "revalenz-fans"] {
            assert!(TenantSlug::parse(text).is_ok());
        }
        assert!(RESERVED.is_sorted());
        assert!(RESERVED.iter().all(|name| Slug::parse(name).is_ok()));
    }
}
