//! Single-line texts, multi-line texts and secrets.

use std::borrow::Cow;

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

/// The characters that are refused, as an ECMA 262 pattern for the schema: control characters and line breaks.
const ONE_LINE: &str = "^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029]*$";
/// The same without line breaks and tabs.
const SEVERAL_LINES: &str = "^[^\\u0000-\\u0008\\u000E-\\u001F\\u007F-\\u0084\\u0086-\\u009F]*$";
/// Anything PostgreSQL can store.
const NO_NUL: &str = "^[^\\u0000]*$";

/// Trimmed and in NFC, with line feeds for every kind of line break, and without what copying brings along unseen. A text of which
/// nothing is visible is empty.
fn normal(text: &str) -> String {
    let text = if text.chars().any(|c| is_dropped(c) || is_line_break(c)) {
        Cow::Owned(without_surprises(text))
    } else {
        Cow::Borrowed(text)
    };
    let text = text.trim();
    if !text.chars().any(is_visible) {
        String::new()
    } else if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text.to_owned()
    } else {
        text.nfc().collect()
    }
}

fn without_surprises(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().filter(|c| !is_dropped(*c)).peekable();
    while let Some(character) = characters.next() {
        if character == '\r' && characters.peek() == Some(&'\n') {
            continue;
        }
        kept.push(if is_line_break(character) {
            '\n'
        } else {
            character
        });
    }
    kept
}

/// Invisible code points, which make different texts look alike or change the reading direction (Unicode TR 36): spaces
/// without width, byte order marks, and embedded directions, as in telephone numbers from an address book.
fn is_dropped(character: char) -> bool {
    matches!(character, '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Mandatory line breaks (Unicode TR 14, BK, CR and NL) besides the line feed.
fn is_line_break(character: char) -> bool {
    matches!(
        character,
        '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Whether a reader sees the character: no space, and none of Unicode's `Default_Ignorable_Code_Point` and blank letters, which have
/// their use only beside others.
fn is_visible(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

fn checked(text: &str, min: usize, max: usize, breaks: bool) -> Result<String, FieldCode> {
    let text = normal(text);
    let is_forbidden =
        |character: char| character.is_control() && !(breaks && matches!(character, '\n' | '\t'));
    if let Some((before, character)) = text.chars().enumerate().find(|(_, c)| is_forbidden(*c)) {
        return Err(FieldCode::InvalidCharacter(character, before + 1));
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
        if let Some(before) = text.chars().position(|c| c == '\0') {
            return Err(FieldCode::InvalidCharacter('\0', before + 1));
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
        for (text, control) in [
            ("a\0b", '\0'),
            ("a\u{1b}[31m", '\u{1b}'),
            ("a\u{7f}", '\u{7f}'),
        ] {
            assert_eq!(
                Text::<0, 99>::parse(text),
                Err(FieldCode::InvalidCharacter(control, 2)),
                "{text:?}"
            );
        }
        assert_eq!(
            SingleLine::<0, 99>::parse("two\nlines"),
            Err(FieldCode::InvalidCharacter('\n', 4))
        );
    }

    #[test]
    fn what_copying_brings_along_is_dropped() {
        for text in [
            "\u{FEFF}drucker",
            "dru\u{200B}cker",
            "\u{202A}drucker\u{202C}",
        ] {
            assert_eq!(
                SingleLine::<1, 99>::parse(text).unwrap().as_str(),
                "drucker"
            );
        }
        for text in [
            "two\r\nlines",
            "two\rlines",
            "two\u{0B}lines",
            "two\u{2028}lines",
        ] {
            assert_eq!(Text::<0, 99>::parse(text).unwrap().as_str(), "two\nlines");
        }
    }

    #[test]
    fn a_text_of_which_nothing_is_visible_is_empty() {
        for text in [
            "\u{200B}",
            "\u{3164}",
            "\u{200F}",
            "\u{200D}\u{200D}",
            "\u{2800} \u{AD}",
        ] {
            let refused = SingleLine::<1, 99>::parse(text);
            assert_eq!(refused, Err(FieldCode::TooShort(1)), "{text:?}");
        }
        // Joiners between others are kept: a family, and a Persian word.
        for text in ["👨\u{200D}👩\u{200D}👧", "می\u{200C}خواهم"] {
            assert_eq!(SingleLine::<1, 99>::parse(text).unwrap().as_str(), text);
        }
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
