//! Query parameters: typed; unknown ones are rejected with 422.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{
    language::Localized,
    problem::{FieldCode, Problem},
};

/// The query string as a `T` with `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct ValidQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(&rejection.body_text())),
        }
    }
}

/// The rejection reads `Failed to deserialize query string: <name>: <cause>`; known causes are translated.
fn refused(text: &str) -> Problem {
    let rest = text
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(text);
    for (words, code) in [
        ("unknown field `", FieldCode::UnknownField),
        ("missing field `", FieldCode::Required),
        ("duplicate field `", FieldCode::Duplicate),
    ] {
        if let Some((_, name)) = rest.split_once(words) {
            let name = name.split('`').next().unwrap_or_default();
            return Problem::field(format!("/{name}"), code);
        }
    }
    let (name, cause) = rest
        .split_once(": ")
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .unwrap_or_default();
    Problem::field(format!("/{name}"), code_of(cause))
}

/// The field code for the causes reported by our own query types.
fn code_of(cause: &str) -> FieldCode {
    if let Some(words) = cause.strip_prefix("one of ") {
        return FieldCode::NotOneOf(words.replace(' ', ", "));
    }
    if let Some((min, max)) = cause.strip_prefix("from ").and_then(range) {
        return FieldCode::OutOfRange(min, max);
    }
    FieldCode::InvalidFormat(if cause == NOT_A_TIME {
        crate::body::RFC_3339
    } else {
        Localized {
            de: "ungültiger Wert",
            en: "invalid value",
        }
    })
}

fn range(text: &str) -> Option<(i64, i64)> {
    let (min, max) = text.split_once(" to ")?;
    Some((min.parse().ok()?, max.parse().ok()?))
}

const NOT_A_TIME: &str = "no RFC 3339 time";

/// Deserializes an optional RFC 3339 time of a query.
pub fn instant<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, D::Error> {
    use serde::Deserialize;
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    // In a query a plus sign means a space: clients that do not escape it send `+02:00` as ` 02:00`.
    text.map(|text| {
        crate::body::instant(&text.replace(' ', "+"))
            .ok_or_else(|| serde::de::Error::custom(NOT_A_TIME))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        limit: Option<u8>,
    }

    async fn pointer(query: &str) -> String {
        let (mut parts, ()) = http::Request::get(format!("/x?{query}"))
            .body(())
            .unwrap()
            .into_parts();
        let problem = ValidQuery::<Filter>::from_request_parts(&mut parts, &())
            .await
            .unwrap_err();
        let document = problem.document(crate::Language::En, "/", "");
        format!(
            "{} {}",
            document["errors"][0]["pointer"].as_str().unwrap(),
            document["errors"][0]["code"]
        )
    }

    #[tokio::test]
    async fn the_invalid_parameter_is_reported() {
        assert_eq!(pointer("limit=no").await, "/limit \"invalid_format\"");
        assert_eq!(pointer("limti=5").await, "/limti \"unknown_field\"");
        assert_eq!(pointer("limit=5&limit=6").await, "/limit \"duplicate\"");
        let (mut parts, ()) = http::Request::get("/x?limit=5")
            .body(())
            .unwrap()
            .into_parts();
        let ValidQuery(filter) = ValidQuery::<Filter>::from_request_parts(&mut parts, &())
            .await
            .unwrap();
        assert_eq!(filter.limit, Some(5));
    }

    crate::text_enum! {
        /// Urgency.
        pub enum Urgency {
            /// Whenever.
            Low = "low",
            /// Today.
            High = "high",
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are tested")]
    struct Search {
        hurry: Option<Urgency>,
        #[serde(default)]
        limit: crate::Limit,
        #[serde(default, deserialize_with = "instant")]
        from: Option<chrono::DateTime<chrono::Utc>>,
    }

    #[test]
    fn the_allowed_values_are_reported() {
        for hurry in Urgency::ALL {
            let uri = format!("/x?hurry={hurry}&limit=200").parse().unwrap();
            Query::<Search>::try_from_uri(&uri).unwrap();
        }
        for (query, wanted) in [
            ("hurry=now", "/hurry not_one_of: must be one of: low, high"),
            (
                "limit=201",
                "/limit out_of_range: must be between 1 and 200",
            ),
            ("limit=-1", "/limit out_of_range: must be between 1 and 200"),
            (
                "from=2026-11-20",
                "/from invalid_format: must be an RFC 3339 time between the years 1900 and 9999",
            ),
            ("limit=many", "/limit invalid_format: invalid value"),
        ] {
            let uri = format!("/x?{query}").parse().unwrap();
            let rejection = Query::<Search>::try_from_uri(&uri).unwrap_err();
            let document = refused(&rejection.body_text()).document(crate::Language::En, "/", "");
            let error = &document["errors"][0];
            let [pointer, code, detail] =
                ["pointer", "code", "detail"].map(|name| error[name].as_str().unwrap());
            assert_eq!(format!("{pointer} {code}: {detail}"), wanted);
        }
    }
}
