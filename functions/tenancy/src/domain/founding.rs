//! What a new tenant needs besides its master data.

use chrono::TimeDelta;
use utoipa::openapi::ObjectBuilder;
use web::{Slug, Texts, problem::FieldCode};

/// How long the invitation of the first admin is good.
pub const INVITATION: TimeDelta = TimeDelta::days(7);

web::text_enum! {
    /// How a tenant may begin.
    pub enum FirstStatus {
        /// Trying it out.
        Trial = "trial",
        /// Paying.
        Active = "active",
    }
}

/// Names that belong to the platform: they may become hosts, paths or senders of its own.
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
pub struct TenantSlug(Slug);

impl TenantSlug {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let slug = Slug::parse(text)?;
        if RESERVED.contains(&slug.as_str()) {
            return Err(FieldCode::Rule(
                "reserved",
                Texts {
                    de: "dieser Name gehört der Plattform",
                    en: "this name belongs to the platform",
                },
            ));
        }
        Ok(Self(slug))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(2))
            .max_length(Some(63))
            .pattern(Some("^[a-z0-9]+(-[a-z0-9]+)*$"))
            .examples(["muster-gmbh"])
    }
}

super::text_field!(TenantSlug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_platform_are_no_slugs_of_tenants() {
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
