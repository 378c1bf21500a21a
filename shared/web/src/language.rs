//! German and English.

use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

/// A supported language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// German.
    De,
    /// English.
    #[default]
    En,
}

/// A text in both languages. `{name}` is a placeholder for an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Localized {
    /// German.
    pub de: &'static str,
    /// English.
    pub en: &'static str,
}

impl Localized {
    /// The text in `language` with placeholders replaced.
    pub fn render(&self, language: Language, arguments: &[(&'static str, String)]) -> String {
        let mut text = match language {
            Language::De => self.de,
            Language::En => self.en,
        }
        .to_owned();
        for (name, value) in arguments {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

impl Language {
    /// The language of a locale such as `de` or `de-AT`; `None` when it is neither German nor English.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let primary = locale.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            Some(Self::De)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The supported language that `Accept-Language` (RFC 9110, 12.5.4) prefers.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for range in accepted.split(',') {
            let mut parts = range.split(';');
            let Some(language) = Self::of_locale(parts.next().unwrap_or_default().trim()) else {
                continue;
            };
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > 0.0 && best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The tag for `Content-Language` (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        Language::from_headers(&headers)
    }

    #[test]
    fn the_highest_quality_wins_and_unknown_languages_are_skipped() {
        assert_eq!(preferred("de-DE,de;q=0.9,en;q=0.8"), Some(Language::De));
        assert_eq!(preferred("fr, en;q=0.3, de;q=0.4"), Some(Language::De));
        assert_eq!(preferred("en, de"), Some(Language::En));
        assert_eq!(preferred("fr"), None);
        assert_eq!(preferred("de;q=0"), None);
    }
}
