//! Single-line texts, multi-line texts and secrets.

use serde::Serialize;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use utoipa::openapi::{ObjectBuilder, schema::Type};

use super::parsed_text;
use crate::problem::FieldCode;

/// A single line of `MIN` to `MAX` characters: names, titles, labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SingleLine<const MIN: usize, const MAX: usize>(String);

/// A text of `MIN` to `MAX` characters with line breaks and tabs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// A password or token as entered: neither trimmed nor normalised, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<const MIN: usize, const MAX: usize>(String);

/// The characters that [`forbidden`] rejects, as an ECMA 262 pattern for the schema.
const ONE_LINE: &str = "^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028-\\u202E\\u2066-\\u2069\\uFEFF]*$";
/// The same with line feeds and tabs.
const SEVERAL_LINES: &str =
    "^[^\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F\\u2028-\\u202E\\u2066-\\u2069\\uFEFF]*$";
/// Anything PostgreSQL can store.
const NO_NUL: &str = "^[^\\u0000]*$";

fn normal(text: &str) -> String {
    let text = text.trim();
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text.replace("\r\n", "\n")
    } else {
        text.nfc().collect::<String>().replace("\r\n", "\n")
    }
}

/// Control characters, and code points that make different texts look alike or change the reading direction (Unicode TR 36).
fn forbidden(character: char, breaks_allowed: bool) -> bool {
    match character {
        '\n' | '\t' => !breaks_allowed,
        '\u{2028}'
        | '\u{2029}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}'
        | '\u{FEFF}' => true,
        other => other.is_control(),
    }
}

fn checked(text: &str, min: usize, max: usize, breaks: bool) -> Result<String, FieldCode> {
    let text = normal(text);
    if text.chars().any(|character| forbidden(character, breaks)) {
        return Err(FieldCode::InvalidCharacters);
    }
    bounded(text, min, max)
}

fn bounded(text: String, min: usize, max: usize) -> Result<String, FieldCode> {
    match text.chars().count() {
        count if count < min => Err(FieldCode::TooShort(min)),
        count if count > max => Err(FieldCode::TooLong(max)),
        _ => Ok(text),
    }
}

/// Parses a single line whose bounds are only known at run time; otherwise use [`SingleLine`].
pub fn parse_line(text: &str, min: usize, max: usize) -> Result<String, FieldCode> {
    checked(text, min, max, false)
}

/// The schema of a single line whose bounds are only known at run time.
pub fn line_schema(min: usize, max: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(min))
        .max_length(Some(max))
        .pattern(Some(ONE_LINE))
}

impl<const MIN: usize, const MAX: usize> SingleLine<MIN, MAX> {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        parse_line(text, MIN, MAX).map(Self)
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
    fn schema_builder() -> ObjectBuilder {
        line_schema(MIN, MAX)
    }
}

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Parses and validates the text.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        checked(text, MIN, MAX, true).map(Self)
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .pattern(Some(SEVERAL_LINES))
    }
}

impl<const MIN: usize, const MAX: usize> Secret<MIN, MAX> {
    /// Accepts the text unchanged; only NUL and the length are checked.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        if text.contains('\0') {
            return Err(FieldCode::InvalidCharacters);
        }
        bounded(text.to_owned(), MIN, MAX).map(Self)
    }
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
    fn schema_builder() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(MIN))
            .max_length(Some(MAX))
            .pattern(Some(NO_NUL))
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::Password,
            )))
    }
}

impl<const MIN: usize, const MAX: usize> std::fmt::Debug for Secret<MIN, MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

parsed_text!([const MIN: usize, const MAX: usize] SingleLine<MIN, MAX>);
parsed_text!([const MIN: usize, const MAX: usize] Text<MIN, MAX>);
parsed_text!([const MIN: usize, const MAX: usize] Secret<MIN, MAX>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_trimmed_and_composed() {
        assert_eq!(
            SingleLine::<1, 10>::parse("  Cafe\u{301} ")
                .unwrap()
                .as_str(),
            "Café"
        );
    }

    #[test]
    fn length_counts_characters_after_composition() {
        assert!(SingleLine::<1, 4>::parse("Cafe\u{301}").is_ok());
        assert_eq!(
            SingleLine::<1, 3>::parse("Café"),
            Err(FieldCode::TooLong(3))
        );
        assert_eq!(
            SingleLine::<1, 3>::parse("   "),
            Err(FieldCode::TooShort(1))
        );
    }

    #[test]
    fn control_characters_and_nul_are_refused() {
        for text in ["a\0b", "a\u{1b}[31m", "a\u{202e}b", "a\u{7f}"] {
            assert_eq!(
                Text::<0, 99>::parse(text),
                Err(FieldCode::InvalidCharacters),
                "{text:?}"
            );
        }
        assert_eq!(
            SingleLine::<0, 99>::parse("two\nlines"),
            Err(FieldCode::InvalidCharacters)
        );
        assert_eq!(
            Text::<0, 99>::parse("two\r\nlines").unwrap().as_str(),
            "two\nlines"
        );
    }

    proptest! {
        #[test]
        fn accepted_texts_are_stable_and_storable(text in any::<String>()) {
            if let Ok(once) = Text::<0, 100>::parse(&text) {
                prop_assert!(!once.as_str().contains('\0'));
                prop_assert!(once.as_str().chars().count() <= 100);
                prop_assert_eq!(Text::<0, 100>::parse(once.as_str()).unwrap(), once);
            }
        }
    }
}
