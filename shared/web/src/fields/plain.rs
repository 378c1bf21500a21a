//! Slugs, locales, time zones, URLs.

use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, SchemaFormat};

use super::parsed_text;
use crate::{
    language::{Language, Localized},
    problem::FieldCode,
};

/// A short name for URLs: lower-case letters, digits and single hyphens, 2 to 63 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let fits = (2..=63).contains(&text.len())
            && text
                .chars()
                .all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit())
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldCode::InvalidFormat(Localized {
                de: "muss aus 2 bis 63 Kleinbuchstaben, Ziffern und einzelnen Bindestrichen bestehen",
                en: "must consist of 2 to 63 lower-case letters, digits and single hyphens",
            }))
        }
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(2))
            .max_length(Some(63))
            .pattern(Some("^[a-z0-9]+(-[a-z0-9]+)*$"))
    }
}

/// A supported language with an optional region: `de`, `en`, `de-AT`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Locale(String);

impl Locale {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let region_fits = match text.get(2..) {
            Some("") => true,
            Some(rest) => {
                rest.len() == 3
                    && rest.starts_with('-')
                    && rest[1..].chars().all(|c| c.is_ascii_uppercase())
            }
            None => false,
        };
        if region_fits && matches!(text.get(..2), Some("de" | "en")) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldCode::InvalidFormat(Localized {
                de: "muss de oder en sein, auch mit Region wie de-AT",
                en: "must be de or en, optionally with a region such as de-AT",
            }))
        }
    }
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Its language.
    pub fn language(&self) -> Language {
        Language::of_locale(&self.0).unwrap_or_default()
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new().pattern(Some("^(de|en)(-[A-Z]{2})?$"))
    }
}

/// An IANA time zone by name, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TimeZone(String);

impl TimeZone {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        text.trim()
            .parse::<chrono_tz::Tz>()
            .map(|zone| Self(zone.name().to_owned()))
            .map_err(|_| {
                FieldCode::InvalidFormat(Localized {
                    de: "muss eine IANA-Zeitzone wie Europe/Berlin sein",
                    en: "must be an IANA time zone such as Europe/Berlin",
                })
            })
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(64))
            .examples(["Europe/Berlin"])
    }
}

/// An absolute `http` or `https` URL of at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim();
        let uri = text.parse::<http::Uri>().ok().filter(|uri| {
            text.len() <= 2_048
                && matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
        });
        uri.map(|_| Self(text.to_owned()))
            .ok_or(FieldCode::InvalidFormat(Localized {
                de: "muss eine http- oder https-Adresse sein",
                en: "must be an http or https URL",
            }))
    }
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .max_length(Some(2_048))
            .format(Some(SchemaFormat::Custom("uri".to_owned())))
    }
}

parsed_text!([] Slug);
parsed_text!([] Locale);
parsed_text!([] TimeZone);
parsed_text!([] HttpUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_locales_zones_and_urls_are_validated() {
        assert!(Slug::parse("demo-2").is_ok());
        for text in ["D", "Demo", "-a", "a-", "a--b", "a_b", "ä", "a"] {
            assert!(Slug::parse(text).is_err(), "{text}");
        }
        assert!(Locale::parse("de-AT").is_ok());
        for text in ["", "d", "fr", "de-at", "de_AT", "deutsch", "dä"] {
            assert!(Locale::parse(text).is_err(), "{text}");
        }
        assert!(TimeZone::parse("Europe/Berlin").is_ok());
        assert!(TimeZone::parse("Berlin").is_err());
        assert!(HttpUrl::parse("https://example.org/x").is_ok());
        for text in [
            "ftp://x.org",
            "https://",
            "//x",
            "https://u:p@x.org",
            "javascript:alert(1)",
        ] {
            assert!(HttpUrl::parse(text).is_err(), "{text}");
        }
    }
}
