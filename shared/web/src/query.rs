//! Query parameters: typed, unknown ones refused with 422.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{
    language::Texts,
    problem::{FieldCode, Problem},
};

/// Parameters of the query string as a `T` with `#[serde(deny_unknown_fields)]`.
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

/// The rejection reads `Failed to deserialize query string: <name>: <cause>`; the name is all we pass on.
fn refused(text: &str) -> Problem {
    let rest = text
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(text);
    if let Some(name) = rest
        .split('`')
        .nth(1)
        .filter(|_| rest.contains("unknown field"))
    {
        return Problem::field(format!("/{name}"), FieldCode::UnknownField);
    }
    if let Some(name) = rest
        .split('`')
        .nth(1)
        .filter(|_| rest.contains("missing field"))
    {
        return Problem::field(format!("/{name}"), FieldCode::Required);
    }
    let name = rest
        .split_once(':')
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .unwrap_or_default();
    Problem::field(
        format!("/{name}"),
        FieldCode::InvalidFormat(Texts {
            de: "dieser Wert ist hier nicht möglich",
            en: "this value is not possible here",
        }),
    )
}

/// For optional times of the query: RFC 3339.
pub fn instant<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, D::Error> {
    use serde::Deserialize;
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    // In a query a plus sign is a space: `+02:00` arrives as ` 02:00` from careless clients.
    text.map(|text| {
        crate::body::instant(&text.replace(' ', "+"))
            .ok_or_else(|| serde::de::Error::custom("no RFC 3339 time"))
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
    async fn the_wrong_parameter_is_named() {
        assert_eq!(pointer("limit=no").await, "/limit \"invalid_format\"");
        assert_eq!(pointer("limti=5").await, "/limti \"unknown_field\"");
        let (mut parts, ()) = http::Request::get("/x?limit=5")
            .body(())
            .unwrap()
            .into_parts();
        let ValidQuery(filter) = ValidQuery::<Filter>::from_request_parts(&mut parts, &())
            .await
            .unwrap();
        assert_eq!(filter.limit, Some(5));
    }
}
