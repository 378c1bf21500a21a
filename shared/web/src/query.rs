//! Query parameters, read like the fields of a body: each with the limits of its type, all wrong ones reported together, unknown and
//! repeated ones refused.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::Value;
use utoipa::openapi::{
    RefOr, Required, Schema,
    path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
    schema::ArrayBuilder,
};

use crate::{
    body::Field,
    problem::{Errors, FieldCode, Pointer, Problem},
};

/// The parameters of an operation, declared with [`query!`](crate::query!).
pub trait Query: Sized {
    /// Takes the parameters that it knows.
    fn take(pairs: &mut Pairs, errors: &mut Errors) -> Option<Self>;

    /// Their description.
    fn parameters() -> Vec<Parameter>;
}

/// The query string as a `T`.
#[derive(Debug)]
pub struct ValidQuery<T>(pub T);

impl<S: Send + Sync, T: Query> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a query string.
pub fn parse<T: Query>(query: &str) -> Result<T, Problem> {
    let mut errors = Errors::default();
    let mut pairs = Pairs::new(query, &mut errors);
    let read = T::take(&mut pairs, &mut errors);
    pairs.finish(read, errors)
}

/// The parameters of a query string that are still to be read.
#[derive(Debug)]
pub struct Pairs(BTreeMap<String, String>);

impl Pairs {
    /// The parameters of a query string; a name that occurs twice is refused.
    pub fn new(query: &str, errors: &mut Errors) -> Self {
        let mut pairs = BTreeMap::new();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            if pairs.contains_key(name.as_ref()) {
                let at = Pointer::default().child(name);
                errors.refuse::<()>(&at, FieldCode::Duplicate);
            } else {
                pairs.insert(name.into_owned(), text.into_owned());
            }
        }
        Self(pairs)
    }

    /// Takes and reads a declared parameter.
    pub fn take<T: Field>(&mut self, name: &str, errors: &mut Errors) -> Option<T> {
        let at = Pointer::default().child(name);
        match self.0.remove(name) {
            Some(text) => T::from_text(text, &at, errors),
            None => T::absent().or_else(|| errors.refuse(&at, FieldCode::Required)),
        }
    }

    /// The parameters that are left.
    pub fn rest(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// What was read, unless something is wrong or left.
    pub fn finish<T>(self, read: Option<T>, mut errors: Errors) -> Result<T, Problem> {
        for name in self.0.keys() {
            let at = Pointer::default().child(name);
            errors.refuse::<()>(&at, FieldCode::UnknownField);
        }
        let errors = errors.into_list();
        match read {
            Some(read) if errors.is_empty() => Ok(read),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

/// Several values separated by commas, of which a row has one: at most 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOf<T>(Vec<T>);

impl<T> Default for OneOf<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> OneOf<T> {
    /// Maximum number of values.
    pub const MAX: usize = 100;

    /// The values; `None` if the parameter is absent.
    pub fn given(self) -> Option<Vec<T>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

impl<T: Field> Field for OneOf<T> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        match value {
            Value::String(text) => Self::from_text(text, at, errors),
            _ => errors.refuse(at, FieldCode::WrongType("string")),
        }
    }

    fn from_text(text: String, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        if words.len() > Self::MAX {
            return errors.refuse(at, FieldCode::TooLong(Self::MAX));
        }
        let read = words
            .into_iter()
            .map(|word| T::from_text(word.to_owned(), at, errors));
        // Read all of them first, so that every invalid one is reported.
        let read: Vec<Option<T>> = read.collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(T::schema())
            .min_items(Some(1))
            .max_items(Some(Self::MAX))
            .into()
    }
}

/// The description of a parameter; used by [`query!`](crate::query!).
#[doc(hidden)]
pub fn parameter<T: Field>(name: &str, about: &str) -> Parameter {
    let required = match T::absent() {
        Some(_) => Required::False,
        None => Required::True,
    };
    let schema = T::schema();
    let mut builder = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(about.trim()));
    if matches!(schema, RefOr::T(Schema::Array(_))) {
        builder = builder
            .style(Some(ParameterStyle::Form))
            .explode(Some(false));
    }
    builder.schema(Some(schema)).build()
}

/// Declares the query parameters of an operation, with validated values and their description.
///
/// ```
/// use web::{SingleLine, query::OneOf};
/// web::query! {
///     /// Filters of a list of shelves.
///     pub struct Shelves {
///         /// Only shelves with one of these labels.
///         pub label: OneOf<SingleLine<1, 80>>,
///         /// Whether to include empty shelves.
///         pub empty: Option<bool>,
///     }
/// }
/// assert!(web::query::parse::<Shelves>("label=Paints,Glue&empty=true").is_ok());
/// assert!(web::query::parse::<Shelves>("lable=Paints").is_err());
/// ```
#[macro_export]
macro_rules! query {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $field_doc:literal])* $field_vis:vis $field:ident : $ty:ty, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $( $(#[doc = $field_doc])* $field_vis $field: $ty, )*
        }

        impl $crate::query::Query for $name {
            fn take(
                pairs: &mut $crate::query::Pairs,
                errors: &mut $crate::problem::Errors,
            ) -> Option<Self> {
                let _ = (&pairs, &errors);
                $( let $field = pairs.take::<$ty>(stringify!($field), errors); )*
                Some(Self { $( $field: $field?, )* })
            }

            fn parameters() -> Vec<$crate::__private::utoipa::openapi::path::Parameter> {
                vec![$(
                    $crate::query::parameter::<$ty>(stringify!($field), concat!($($field_doc,)*))
                ),*]
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{Limit, SingleLine, body::Int};

    crate::text_enum! {
        /// Urgency.
        pub enum Urgency {
            /// Whenever.
            Low = "low",
            /// Today.
            High = "high",
        }
    }

    crate::query! {
        /// A search.
        struct Search {
            /// One of these.
            hurry: OneOf<Urgency>,
            /// How many.
            limit: Limit,
            /// From then.
            from: Option<DateTime<Utc>>,
            /// How tall.
            height: Option<Int<1, 9>>,
            /// Whether it is open.
            open: Option<bool>,
            /// A word.
            q: Option<SingleLine<1, 5>>,
        }
    }

    fn refused(query: &str) -> Vec<String> {
        let problem = parse::<Search>(query).unwrap_err();
        let document = problem.document(crate::Language::En, "/", "");
        let error = |error: &Value| {
            let [pointer, code, detail] =
                ["pointer", "code", "detail"].map(|name| error[name].as_str().unwrap());
            format!("{pointer} {code}: {detail}")
        };
        document["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(error)
            .collect()
    }

    #[test]
    fn all_wrong_parameters_are_reported() {
        assert_eq!(
            refused(
                "hurry=low,now&limit=201&from=2026-11-20&height=x&open=perhaps&q=longer&lable=1&q=2"
            ),
            [
                "/q duplicate: appears more than once",
                "/hurry not_one_of: must be one of: low, high",
                "/limit out_of_range: must be between 1 and 200",
                "/from invalid_format: must be an RFC 3339 time between the years 1900 and 9999",
                "/height wrong_type: must be of type integer",
                "/open wrong_type: must be of type boolean",
                "/q too_long: length must be at most 5",
                "/lable unknown_field: unknown field",
            ]
        );
    }

    #[test]
    fn values_are_read_by_their_type() {
        // A plus sign that was not escaped arrives as a space.
        let search: Search =
            parse("hurry=low%2C%20high&from=2026-11-20T10:00:00+01:00&height=3&open=true&limit=7")
                .unwrap();
        assert_eq!(
            search.hurry.given(),
            Some(vec![Urgency::Low, Urgency::High])
        );
        assert_eq!(
            search.from.unwrap().to_rfc3339(),
            "2026-11-20T09:00:00+00:00"
        );
        assert_eq!((search.height.unwrap().get(), search.open), (3, Some(true)));
        assert_eq!((search.limit.rows(), search.q), (8, None));
        for hurry in Urgency::ALL {
            let search: Search = parse(&format!("hurry={hurry}")).unwrap();
            assert_eq!(search.hurry.given(), Some(vec![*hurry]));
        }
        let nothing: Search = parse("").unwrap();
        assert_eq!((nothing.hurry.given(), nothing.limit.rows()), (None, 51));
    }

    #[test]
    fn a_list_is_bounded() {
        let many = vec!["low"; 101].join(",");
        assert_eq!(
            refused(&format!("hurry={many}")),
            ["/hurry too_long: length must be at most 100"]
        );
        assert_eq!(
            refused("hurry="),
            ["/hurry not_one_of: must be one of: low, high"]
        );
    }
}
