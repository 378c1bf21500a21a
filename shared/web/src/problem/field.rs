//! What is wrong with one field, and the collection of all that is.

use serde_json::{Value, json};

use crate::{
    language::{Language, Localized},
    openapi::FieldProblem,
};

/// Why a field was refused. The code is stable; the text follows the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldCode {
    /// It must be there.
    Required,
    /// No such field.
    UnknownField,
    /// It must not be null.
    Null,
    /// Another JSON type is expected: `string`, `integer`, `boolean`, `array`, `object`.
    WrongType(&'static str),
    /// More characters, or items, than allowed.
    TooLong(usize),
    /// Fewer characters, or items, than needed.
    TooShort(usize),
    /// A control character, or a line break where one line is wanted.
    InvalidCharacters,
    /// Not of the form; the text says which.
    InvalidFormat(Localized),
    /// Outside the range, both ends included.
    OutOfRange(i64, i64),
    /// None of the words that are possible.
    NotOneOf(String),
    /// The same item twice.
    Duplicate,
    /// A rule of the context, with its own code and text.
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
            Self::InvalidCharacters => "invalid_characters",
            Self::InvalidFormat(_) => "invalid_format",
            Self::OutOfRange(..) => "out_of_range",
            Self::NotOneOf(_) => "not_one_of",
            Self::Duplicate => "duplicate",
            Self::Rule(code, _) => code,
        }
    }

    fn detail(&self, language: Language) -> String {
        let (de, en) = match self {
            Self::Required => ("wird gebraucht".to_owned(), "is required".to_owned()),
            Self::UnknownField => (
                "dieses Feld gibt es nicht".into(),
                "there is no such field".into(),
            ),
            Self::Null => ("darf nicht null sein".into(), "must not be null".into()),
            Self::WrongType(expected) => (
                format!("muss vom Typ {expected} sein"),
                format!("must be of type {expected}"),
            ),
            Self::TooLong(max) => (format!("höchstens {max}"), format!("at most {max}")),
            Self::TooShort(min) => (format!("mindestens {min}"), format!("at least {min}")),
            Self::InvalidCharacters => (
                "enthält unzulässige Zeichen".into(),
                "has characters that are not allowed".into(),
            ),
            Self::InvalidFormat(texts) | Self::Rule(_, texts) => {
                (texts.de.to_owned(), texts.en.to_owned())
            }
            Self::OutOfRange(min, max) => (
                format!("zwischen {min} und {max}"),
                format!("between {min} and {max}"),
            ),
            Self::NotOneOf(words) => (format!("eines von: {words}"), format!("one of: {words}")),
            Self::Duplicate => ("kommt mehrfach vor".into(), "appears more than once".into()),
        };
        match language {
            Language::De => de,
            Language::En => en,
        }
    }
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; for a query parameter `/` and its name.
    pub pointer: String,
    /// Why.
    pub code: FieldCode,
}

impl FieldError {
    /// As a client hears of it.
    pub(crate) fn shown(&self, language: Language) -> FieldProblem {
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

/// A place in a JSON document, built while walking down.
#[derive(Clone, Debug, Default)]
pub struct Pointer(String);

/// Bytes after which a pointer is cut. Names of ours stay far below; those of a hostile body would be copied into the
/// pointer of everything under them.
const LONGEST_POINTER: usize = 512;

impl Pointer {
    /// The place one step further: a field's name or an item's index.
    pub fn child(&self, token: impl std::fmt::Display) -> Self {
        if self.0.len() >= LONGEST_POINTER {
            return self.clone();
        }
        let token = token.to_string().replace('~', "~0").replace('/', "~1");
        let mut pointer = format!("{}/{token}", self.0);
        if pointer.len() > LONGEST_POINTER {
            pointer.truncate(pointer.floor_char_boundary(LONGEST_POINTER));
            pointer.push('…');
        }
        Self(pointer)
    }
}

/// Everything wrong that was found on the way, so that a client hears of all of it at once.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

/// So that a hostile body of a million wrong fields has a small answer.
const MOST_ERRORS: usize = 50;

impl Errors {
    /// Notes one wrong field. Answers `None`, so that a parser can end with it.
    pub fn refuse<T>(&mut self, at: &Pointer, code: FieldCode) -> Option<T> {
        if !self.is_full() {
            self.0.push(FieldError {
                pointer: at.0.clone(),
                code,
            });
        }
        None
    }

    /// Whether nothing more is noted.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOST_ERRORS
    }

    /// Adds what another check of the same document found, but for what is known already.
    pub(crate) fn complete(&mut self, others: Self) {
        let known = self.0.len();
        for error in others.0 {
            if !self.is_full() && !self.0[..known].contains(&error) {
                self.0.push(error);
            }
        }
    }

    /// The list, to become a [`Problem`](crate::Problem).
    pub fn into_list(self) -> Vec<FieldError> {
        self.0
    }
}
