//! The JSON API for objects: metadata, listing and deletion.

use std::ops::Bound;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    AbortResponse, FakeGcs, Object, media,
    request::{Parameters, check, error_response},
};

fn metadata_of(name: &str, object: &Object) -> Value {
    json!({"name": name, "size": object.bytes.len().to_string()})
}

/// The data or the metadata of an object.
pub(super) async fn get(
    State(fake): State<FakeGcs>,
    Path((bucket, name)): Path<(String, String)>,
    parameters: Parameters,
    aborts: Option<Extension<AbortResponse>>,
    headers: HeaderMap,
) -> Response {
    let known = ["alt", "fields", "generation"];
    if let Some(error) = check(&fake, &bucket, &headers, &parameters, &known) {
        return error;
    }
    let found = fake.object(&name).filter(|object| {
        let wanted = parameters.get("generation");
        wanted.is_none_or(|wanted| *wanted == object.generation.to_string())
    });
    let Some(object) = found else {
        return error_response(StatusCode::NOT_FOUND, "the object does not exist");
    };
    if parameters.get("alt").is_some_and(|alt| alt == "media") {
        media::serve(&object, &headers, aborts.is_some())
    } else {
        Json(metadata_of(&name, &object)).into_response()
    }
}

pub(super) async fn delete(
    State(fake): State<FakeGcs>,
    Path((bucket, name)): Path<(String, String)>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    if let Some(error) = check(&fake, &bucket, &headers, &parameters, &[]) {
        return error;
    }
    match fake.state().objects.remove(&name) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => error_response(StatusCode::NOT_FOUND, "the object does not exist"),
    }
}

/// The page token is the last name of the previous page. With a start offset the first page is empty, which Google's API
/// allows.
pub(super) async fn list(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Response {
    let known = ["fields", "maxResults", "pageToken", "prefix", "startOffset"];
    if let Some(error) = check(&fake, &bucket, &headers, &parameters, &known) {
        return error;
    }
    let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    let (token, start) = (parameter("pageToken"), parameter("startOffset"));
    if token.is_empty() && !start.is_empty() {
        return Json(json!({"nextPageToken": "-"})).into_response();
    }
    let from = match token {
        "" | "-" => Bound::Included(start),
        token => Bound::Excluded(token),
    };
    let state = fake.state();
    let max = parameter("maxResults")
        .parse()
        .unwrap_or(1_000)
        .min(state.page_size);
    let mut found = state
        .objects
        .range::<str, _>((from, Bound::Unbounded))
        .filter(|(name, _)| name.starts_with(parameter("prefix")));
    let page: Vec<(&String, &Object)> = found.by_ref().take(max).collect();
    let items: Vec<Value> = page
        .iter()
        .map(|(name, object)| metadata_of(name, object))
        .collect();
    let mut body = json!({"kind": "storage#objects"});
    // Google omits empty fields.
    if !items.is_empty() {
        body["items"] = items.into();
    }
    if let (Some((last, _)), Some(_)) = (page.last(), found.next()) {
        body["nextPageToken"] = json!(last);
    }
    Json(body).into_response()
}
