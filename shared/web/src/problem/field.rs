//! Field errors, and their collection during validation.

use serde_json::{Value, json};

use crate::{
    language::{Language, Localized},
    openapi::FieldProblem,
};

/// Why a field was rejected. The code is stable; the text depends on the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldCode {
    /// The field is required.
    Required,
    /// The field is unknown.
    UnknownField,
    /// The field must not be null.
    Null,
    /// The JSON type is wrong; expected is one of `string`, `integer`, `boolean`, `array`, `object`.
    WrongType(&'static str),
    /// More characters or items than allowed.
    TooLong(usize),
    /// Fewer characters or items than required.
    TooShort(usize),
    /// Characters that the field does not take.
    InvalidCharacters,
    /// This control character, or line break in a single-line text, at this position, counted from 1.
    InvalidCharacter(char, usize),
    /// The format is wrong; the text describes the expected one.
    InvalidFormat(Localized),
    /// Outside the range; both bounds are included.
    OutOfRange(i64, i64),
    /// None of the allowed values.
    NotOneOf(String),
    /// The item appears more than once.
    Duplicate,
    /// A rule of the context, with a code and text of its own.
    Rule(&'static str, Localized),
}

impl FieldCode {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnknownField => "unknown_field",
            Self::Null => "null",
            Self::WrongType(_) => "wrong_type",
            Self::TooLong(_) => "too_long",
            Self::TooShort(_) => "too_short",
            Self::InvalidCharacters | Self::InvalidCharacter(..) => "invalid_characters",
            Self::InvalidFormat(_) => "invalid_format",
            Self::OutOfRange(..) => "out_of_range",
            Self::NotOneOf(_) => "not_one_of",
            Self::Duplicate => "duplicate",
            Self::Rule(code, _) => code,
        }
    }

    fn detail(&self, language: Language) -> String {
        let (de, en) = match self {
            Self::Required => ("ist erforderlich".to_owned(), "is required".to_owned()),
            Self::UnknownField => ("unbekanntes Feld".into(), "unknown field".into()),
            Self::Null => ("darf nicht null sein".into(), "must not be null".into()),
            Self::WrongType(expected) => (
                format!("muss vom Typ {expected} sein"),
                format!("must be of type {expected}"),
            ),
            Self::TooLong(max) => (
                format!("die Länge darf höchstens {max} betragen"),
                format!("length must be at most {max}"),
            ),
            Self::TooShort(min) => (
                format!("die Länge muss mindestens {min} betragen"),
                format!("length must be at least {min}"),
            ),
            Self::InvalidCharacters => (
                "enthält unzulässige Zeichen".into(),
                "contains characters that are not allowed".into(),
            ),
            // By its number: it cannot be seen.
            Self::InvalidCharacter(character, position) => (
                format!(
                    "enthält an Stelle {position} das unzulässige Zeichen U+{:04X}",
                    u32::from(*character)
                ),
                format!(
                    "contains the character U+{:04X} at position {position}, which is not allowed",
                    u32::from(*character)
                ),
            ),
            Self::InvalidFormat(texts) | Self::Rule(_, texts) => {
                (texts.de.to_owned(), texts.en.to_owned())
            }
            Self::OutOfRange(min, max) => (
                format!("muss zwischen {min} und {max} liegen"),
                format!("must be between {min} and {max}"),
            ),
            Self::NotOneOf(words) => (
                format!("muss einer dieser Werte sein: {words}"),
                format!("must be one of: {words}"),
            ),
            Self::Duplicate => ("kommt mehrfach vor".into(), "appears more than once".into()),
        };
        match language {
            Language::De => de,
            Language::En => en,
        }
    }
}

/// One invalid field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; for a query parameter `/` and its name.
    pub pointer: String,
    /// Why.
    pub code: FieldCode,
}

impl FieldError {
    /// The error in the wire format.
    pub(crate) fn to_field_problem(&self, language: Language) -> FieldProblem {
        FieldProblem {
            pointer: self.pointer.clone(),
            code: self.code.code().to_owned(),
            detail: self.code.detail(language),
        }
    }

    pub(crate) fn document(&self, language: Language) -> Value {
        json!({
            "pointer": self.pointer,
            "code": self.code.code(),
            "detail": self.code.detail(language),
        })
    }
}

/// A location in a JSON document (RFC 6901), built while descending into it.
#[derive(Clone, Debug, Default)]
pub struct Pointer(String);

/// Pointers are truncated at this many bytes. Long names in a hostile body would otherwise be copied into the pointer of
/// every value below them.
const MAX_POINTER_BYTES: usize = 512;

impl Pointer {
    /// The location of a child: a field name or an item index.
    pub fn child(&self, token: impl std::fmt::Display) -> Self {
        if self.0.len() >= MAX_POINTER_BYTES {
            return self.clone();
        }
        let token = token.to_string().replace('~', "~0").replace('/', "~1");
        let mut pointer = format!("{}/{token}", self.0);
        if pointer.len() > MAX_POINTER_BYTES {
            pointer.truncate(pointer.floor_char_boundary(MAX_POINTER_BYTES));
            pointer.push('…');
        }
        Self(pointer)
    }
}

/// All field errors of a document, so that a client can fix them in one go.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

/// Keeps the response small for a body with a million invalid fields.
const MAX_ERRORS: usize = 50;

impl Errors {
    /// Records one invalid field. Returns `None`, so that a parser can return it directly.
    pub fn refuse<T>(&mut self, at: &Pointer, code: FieldCode) -> Option<T> {
        if !self.is_full() {
            self.0.push(FieldError {
                pointer: at.0.clone(),
                code,
            });
        }
        None
    }

    /// Whether the maximum number of errors is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_ERRORS
    }

    /// Adds the errors of another check of the same document, without duplicates.
    pub(crate) fn merge(&mut self, others: Self) {
        let known = self.0.len();
        for error in others.0 {
            if !self.is_full() && !self.0[..known].contains(&error) {
                self.0.push(error);
            }
        }
    }

    /// The errors, for [`Problem::invalid`](crate::Problem::invalid).
    pub fn into_list(self) -> Vec<FieldError> {
        self.0
    }
}
