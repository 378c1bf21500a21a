//! The words that settings are made of.

use utoipa::openapi::ObjectBuilder;
use web::{Line, Texts, problem::FieldCode};

use crate::domain::text_field;

web::text_enum! {
    /// Who may become a user of the tenant.
    pub enum Registration {
        /// Whoever registers.
        Open = "open",
        /// Whoever was invited.
        Invite = "invite",
        /// Nobody.
        Closed = "closed",
    }
}

/// What a ticket can be about: one line in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category(Line<1, 40>);

impl Category {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let line = Line::parse(text)?;
        if line.as_str().chars().any(char::is_uppercase) {
            return Err(FieldCode::InvalidFormat(Texts {
                de: "nur Kleinbuchstaben",
                en: "lower-case letters only",
            }));
        }
        Ok(Self(line))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(1))
            .max_length(Some(40))
            .examples(["billing"])
    }
}

text_field!(Category);

/// A colour as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colour(String);

impl Colour {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim().to_ascii_lowercase();
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err(FieldCode::InvalidFormat(Texts {
                de: "muss eine Farbe wie #1a7f5a sein",
                en: "must be a colour such as #1a7f5a",
            }))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn shape() -> ObjectBuilder {
        ObjectBuilder::new()
            .pattern(Some("^#[0-9a-fA-F]{6}$"))
            .examples(["#1a7f5a"])
    }
}

text_field!(Colour);
