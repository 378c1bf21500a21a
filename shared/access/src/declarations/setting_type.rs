//! Types of settings: validation, defaults and schemas.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::{
    ObjectBuilder, RefOr, Schema,
    schema::{ArrayBuilder, Type},
};
use web::{
    Email, HttpUrl, Localized, Slug,
    body::{self, Field},
    fields::{self, Locale},
    problem::{Errors, FieldCode, Pointer},
};

use super::{kept_list, kept_optional_list};

/// Type, bounds and default of a setting.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingType {
    /// On or off.
    Boolean {
        /// The default.
        default: bool,
    },
    /// A whole number.
    Integer {
        /// The minimum.
        min: i32,
        /// The maximum.
        max: i32,
        /// The default.
        default: i32,
    },
    /// One of a few words.
    Choice {
        /// Name of its schema in the API reference.
        schema: &'static str,
        /// The words.
        #[serde(deserialize_with = "kept_list")]
        words: &'static [&'static str],
        /// The default.
        default: &'static str,
    },
    /// A text.
    Text {
        /// The format.
        format: TextFormat,
        /// The default; `None` makes the setting nullable.
        default: Option<&'static str>,
    },
    /// A list of different texts.
    List {
        /// The format of each item.
        format: TextFormat,
        /// The minimum number of items.
        min_items: usize,
        /// The maximum number of items.
        max_items: usize,
        /// The default; `None` makes the setting nullable.
        #[serde(deserialize_with = "kept_optional_list")]
        default: Option<&'static [&'static str]>,
    },
}

/// The format of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextFormat {
    /// A single line of at most so many characters.
    Line(usize),
    /// The same in lower case.
    LowerCaseLine(usize),
    /// The name of a role, which must exist in the tenant.
    RoleName,
    /// A short name for URLs.
    Slug,
    /// A colour as `#rrggbb`.
    Colour,
    /// An `http` or `https` URL.
    Url,
    /// An email address. Masked in the audit log.
    Email,
    /// A supported language with an optional region.
    Locale,
}

/// The maximum number of characters of a role's name.
const MAX_ROLE_NAME: usize = 60;

impl TextFormat {
    /// Validates and normalises a text.
    pub fn parse(self, input: &str) -> Result<String, FieldCode> {
        match self {
            Self::Line(max) => fields::parse_line(input, 1, max),
            Self::LowerCaseLine(max) => {
                let line = fields::parse_line(input, 1, max)?;
                if line.chars().any(char::is_uppercase) {
                    return Err(FieldCode::InvalidFormat(Localized {
                        de: "darf keine Großbuchstaben enthalten",
                        en: "must not contain upper-case letters",
                    }));
                }
                Ok(line)
            }
            Self::RoleName => fields::parse_line(input, 1, MAX_ROLE_NAME),
            Self::Slug => Slug::parse(input).map(|slug| slug.as_str().to_owned()),
            Self::Colour => parse_colour(input),
            Self::Url => HttpUrl::parse(input).map(|url| url.as_str().to_owned()),
            Self::Email => Email::parse(input).map(Email::into_string),
            Self::Locale => Locale::parse(input).map(|locale| locale.as_str().to_owned()),
        }
    }

    fn read(self, value: &Value, at: &Pointer, errors: &mut Errors) -> Option<String> {
        let Some(input) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        match self.parse(input) {
            Ok(parsed) => Some(parsed),
            Err(code) => errors.refuse(at, code),
        }
    }

    /// The schema of a text to set.
    fn schema(self) -> RefOr<Schema> {
        let string = ObjectBuilder::new().schema_type(Type::String);
        match self {
            Self::Line(max) => fields::line_schema(1, max).into(),
            Self::RoleName => fields::line_schema(1, MAX_ROLE_NAME).into(),
            Self::LowerCaseLine(max) => string
                .min_length(Some(1))
                .max_length(Some(max))
                .examples(["billing"])
                .into(),
            Self::Slug => Slug::schema(),
            Self::Colour => string
                .pattern(Some("^#[0-9a-fA-F]{6}$"))
                .examples(["#1a7f5a"])
                .into(),
            Self::Url => HttpUrl::schema(),
            Self::Email => Email::schema(),
            Self::Locale => Locale::schema(),
        }
    }
}

fn parse_colour(input: &str) -> Result<String, FieldCode> {
    let colour = input.trim().to_ascii_lowercase();
    let digits = colour.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(colour)
    } else {
        Err(FieldCode::InvalidFormat(Localized {
            de: "muss eine Farbe wie #1a7f5a sein",
            en: "must be a colour such as #1a7f5a",
        }))
    }
}

impl SettingType {
    /// The default.
    pub fn default_value(self) -> Value {
        match self {
            Self::Boolean { default } => default.into(),
            Self::Integer { default, .. } => default.into(),
            Self::Choice { default, .. } => default.into(),
            Self::Text { default, .. } => default.into(),
            Self::List { default, .. } => default.map_or(Value::Null, Value::from),
        }
    }

    /// Validates and normalises a value to set, and records all errors.
    pub fn read(self, value: Value, at: &Pointer, errors: &mut Errors) -> Option<Value> {
        match self {
            Self::Boolean { .. } => bool::read(value, at, errors).map(Value::from),
            Self::Integer { min, max, .. } => match body::parse_int(&value, min, max) {
                Ok(number) => Some(number.into()),
                Err(code) => errors.refuse(at, code),
            },
            Self::Choice { words, .. } => match value.as_str() {
                None => errors.refuse(at, FieldCode::WrongType("string")),
                Some(word) if words.contains(&word) => Some(value),
                Some(_) => errors.refuse(at, FieldCode::NotOneOf(words.join(", "))),
            },
            Self::Text { format, .. } => format.read(&value, at, errors).map(Value::from),
            Self::List {
                format,
                min_items,
                max_items,
                ..
            } => {
                let Value::Array(values) = value else {
                    return errors.refuse(at, FieldCode::WrongType("array"));
                };
                if values.len() < min_items {
                    return errors.refuse(at, FieldCode::TooShort(min_items));
                }
                if values.len() > max_items {
                    return errors.refuse(at, FieldCode::TooLong(max_items));
                }
                read_items(format, &values, at, errors).map(Value::from)
            }
        }
    }

    /// Whether a stored value has this type. Stored values were validated when they were set.
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Boolean { .. } => value.is_boolean(),
            Self::Integer { .. } => value.is_i64(),
            Self::Choice { words, .. } => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Text { .. } => value.is_string(),
            Self::List { .. } => value.is_array(),
        }
    }

    /// The schema of a value to set.
    pub fn input_schema(self) -> RefOr<Schema> {
        match self {
            Self::Boolean { .. } => bool::schema(),
            Self::Integer { min, max, .. } => body::int_schema(min, max).into(),
            Self::Choice { words, .. } => choice(words).into(),
            Self::Text { format, .. } => format.schema(),
            Self::List {
                format,
                min_items,
                max_items,
                ..
            } => ArrayBuilder::new()
                .items(format.schema())
                .min_items(Some(min_items))
                .max_items(Some(max_items))
                .unique_items(true)
                .into(),
        }
    }

    /// The schema of a value in a response.
    pub fn output_schema(self) -> RefOr<Schema> {
        let string = ObjectBuilder::new().schema_type(Type::String);
        match self {
            Self::Boolean { .. } => bool::schema(),
            Self::Integer { min, max, .. } => body::int_schema(min, max)
                .minimum(None::<f64>)
                .maximum(None::<f64>)
                .into(),
            Self::Choice { words, .. } => choice(words).into(),
            Self::Text { .. } => string.into(),
            Self::List { .. } => ArrayBuilder::new().items(string).into(),
        }
    }
}

/// Reads different items, and records every invalid one.
fn read_items(
    format: TextFormat,
    values: &[Value],
    at: &Pointer,
    errors: &mut Errors,
) -> Option<Vec<String>> {
    let mut items = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let pointer = at.child(index);
        match format.read(value, &pointer, errors) {
            Some(item) if items.contains(&item) => {
                errors.refuse::<()>(&pointer, FieldCode::Duplicate);
            }
            Some(item) => items.push(item),
            None => {}
        }
    }
    (items.len() == values.len()).then_some(items)
}

fn choice(words: &[&'static str]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().copied()))
}
