//! JSON bodies: media type, size, syntax, then every field.

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::{
    body::Field,
    incoming::IDLE_TIMEOUT,
    problem::{self, Errors, FieldCode, Pointer, Problem},
    strict_json,
};

/// Maximum size of a body in bytes after decompression, unless a route sets another limit.
pub const BODY_LIMIT: usize = 1 << 20;

/// A validated JSON body, with its raw bytes (for fingerprints).
#[derive(Debug)]
pub struct ValidJson<T> {
    /// The parsed value.
    pub value: T,
    /// The raw bytes, decompressed.
    pub bytes: Bytes,
}

impl<S: Send + Sync, T: Field> FromRequest<S> for ValidJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(problem::UNSUPPORTED_MEDIA_TYPE
                .problem()
                .argument("expected", "application/json"));
        }
        let bytes = collect(request, BODY_LIMIT).await?;
        let value = parse(&bytes)?;
        Ok(Self { value, bytes })
    }
}

/// An optional body.
impl<S: Send + Sync, T: Field> OptionalFromRequest<S> for ValidJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        // Decompression hides the length, so an empty body is only detected after reading it.
        let (parts, body) = request.into_parts();
        let bytes = collect(Request::new(body), BODY_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let request = Request::from_parts(parts, bytes.into());
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

/// Reads the whole body; `413` if it is larger than `limit` bytes.
pub async fn collect(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let whole = Limited::new(request.into_body(), limit).collect();
    // Before the limit of the response head: a slow client is at fault, not the server.
    let Ok(collected) = tokio::time::timeout(IDLE_TIMEOUT, whole).await else {
        return Err(problem::REQUEST_TIMEOUT.problem());
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if is_length_limit(error.as_ref()) => {
            Err(problem::TOO_LARGE.problem().argument("limit", limit))
        }
        Err(_) => Err(problem::BAD_REQUEST.problem()),
    }
}

fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<LengthLimitError>)
}

/// Parses and validates a document.
pub fn parse<T: Field>(bytes: &[u8]) -> Result<T, Problem> {
    let document = strict_json::from_slice(bytes)
        .map_err(|error| problem::INVALID_JSON.problem().argument("cause", error))?;
    let (mut errors, mut nuls) = (Errors::default(), Errors::default());
    refuse_nul(&document, &Location::Root, &mut nuls);
    let value = T::read(document, &Pointer::default(), &mut errors);
    errors.merge(nuls);
    let errors = errors.into_list();
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(Problem::invalid(errors)),
    }
}

/// The current location. The pointer is only built for rejected values: building one for each of a million items would take
/// seconds.
enum Location<'a> {
    Root,
    Member(&'a Location<'a>, &'a str),
    Item(&'a Location<'a>, usize),
}

impl Location<'_> {
    fn pointer(&self) -> Pointer {
        match self {
            Self::Root => Pointer::default(),
            Self::Member(parent, name) => parent.pointer().child(name),
            Self::Item(parent, index) => parent.pointer().child(index),
        }
    }
}

/// PostgreSQL cannot store `\u0000` in text or jsonb; rejecting it here covers free-form JSON too.
fn refuse_nul(value: &Value, at: &Location<'_>, errors: &mut Errors) {
    if errors.is_full() {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(before) = text.chars().position(|character| character == '\0') {
                let code = FieldCode::InvalidCharacter('\0', before + 1);
                errors.refuse::<()>(&at.pointer(), code);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                refuse_nul(item, &Location::Item(at, index), errors);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    errors.refuse::<()>(&at.pointer(), FieldCode::InvalidCharacters);
                }
                refuse_nul(member, &Location::Member(at, name), errors);
            }
        }
        _ => {}
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SingleLine, body::Change, body::Int};

    crate::body! {
        /// A shelf.
        pub struct Shelf {
            /// Its label.
            pub label: SingleLine<1, 5>,
            /// Number of boards.
            pub boards: Int<1, 9>,
            /// Its colour.
            pub colour: Option<SingleLine<1, 9>>,
            /// Its note.
            pub note: Change<Option<SingleLine<1, 9>>>,
        }
        example { "label": "A", "boards": 3 }
    }

    fn codes(json: &str) -> Vec<(String, &'static str)> {
        let problem = parse::<Shelf>(json.as_bytes()).unwrap_err();
        let document = problem.document(crate::Language::En, "/", "");
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|e| {
                let code: &'static str =
                    Box::leak(e["code"].as_str().unwrap().to_owned().into_boxed_str());
                (e["pointer"].as_str().unwrap().to_owned(), code)
            })
            .collect()
    }

    #[test]
    fn all_invalid_fields_are_reported_together() {
        assert_eq!(
            codes(r#"{"label": "too long", "boards": 0, "colour": 5, "what": 1, "x/y": 2}"#),
            [
                ("/label".to_owned(), "too_long"),
                ("/boards".to_owned(), "out_of_range"),
                ("/colour".to_owned(), "wrong_type"),
                ("/what".to_owned(), "unknown_field"),
                ("/x~1y".to_owned(), "unknown_field"),
            ]
        );
        assert_eq!(
            codes("{}"),
            [
                ("/label".to_owned(), "required"),
                ("/boards".to_owned(), "required")
            ]
        );
        assert_eq!(codes("[]"), [(String::new(), "wrong_type")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_the_clients_fault() {
        let never =
            axum::body::Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
        let problem = collect(Request::new(never), 100).await.unwrap_err();
        assert_eq!(problem.status(), http::StatusCode::REQUEST_TIMEOUT);
    }

    #[test]
    fn nul_characters_are_refused_everywhere() {
        assert_eq!(
            codes(r#"{"label": "a\u0000", "boards": 1}"#),
            [("/label".to_owned(), "invalid_characters")],
            "once"
        );
    }

    #[test]
    fn a_hostile_name_is_not_copied_for_everything_below_it() {
        let name = "k".repeat(400_000);
        let zeros = vec!["0"; 200_000].join(",");
        let refused = codes(&format!(r#"{{"{name}": [{zeros}]}}"#));
        assert_eq!(refused.last().unwrap().1, "unknown_field");
        let nuls = vec![r#""\u0000""#; 40_000].join(",");
        let refused = codes(&format!(r#"{{"{name}": [{nuls}]}}"#));
        assert_eq!(refused.len(), 50);
        assert!(refused.iter().all(|(pointer, _)| pointer.len() < 600));
    }

    #[test]
    fn absent_and_null_differ_where_it_matters() {
        let absent: Shelf = parse(br#"{"label": "A", "boards": 1.0}"#).unwrap();
        assert_eq!(absent.note, Change::Keep);
        assert_eq!(
            (absent.label.as_str(), absent.boards.get(), absent.colour),
            ("A", 1, None)
        );
        let cleared: Shelf = parse(br#"{"label": "A", "boards": 1, "note": null}"#).unwrap();
        assert_eq!(cleared.note, Change::Set(None));
    }

    #[test]
    fn lone_surrogates_and_invalid_utf8_are_invalid_json() {
        for body in [
            &br#"{"label": "\ud800"}"#[..],
            b"{\"label\": \"\xff\"}",
            b"",
            b"{",
            b"{} {}",
        ] {
            assert_eq!(
                parse::<Shelf>(body).unwrap_err().kind().code,
                "invalid_json"
            );
        }
    }

    #[test]
    fn integers_stay_within_their_range_whatever_their_size() {
        for number in ["10", "-1", "1e300", "99999999999999999999999"] {
            assert_eq!(
                codes(&format!(r#"{{"label": "A", "boards": {number}}}"#))[0].1,
                "out_of_range",
                "{number}"
            );
        }
        assert_eq!(codes(r#"{"label": "A", "boards": 1.5}"#)[0].1, "wrong_type");
    }
}
