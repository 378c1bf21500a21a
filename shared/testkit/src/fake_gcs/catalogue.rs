//! The JSON interface: what is there, and its end.

use std::{collections::BTreeMap, ops::Bound};

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{BreakOff, FakeGcs, Object, bytes};

pub(super) type Words = Query<BTreeMap<String, String>>;

/// What Google's errors look like.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response {
    let error = json!({"error": {"code": status.as_u16(), "message": why}});
    (status, Json(error)).into_response()
}

/// Whoever may not, and whatever this stand-in does not know.
pub(super) fn refused(
    fake: &FakeGcs,
    bucket: &str,
    headers: &HeaderMap,
    words: &Words,
    known: &[&str],
) -> Option<Response> {
    if !fake.inner.account.has_sent(headers, fake.now()) {
        return Some(refuse(StatusCode::UNAUTHORIZED, "who are you?"));
    }
    if bucket != FakeGcs::BUCKET {
        return Some(refuse(StatusCode::NOT_FOUND, "there is no such bucket"));
    }
    let unknown = words.keys().find(|word| !known.contains(&word.as_str()))?;
    Some(refuse(StatusCode::NOT_IMPLEMENTED, unknown))
}

fn described(name: &str, object: &Object) -> Value {
    json!({"name": name, "size": object.bytes.len().to_string()})
}

/// An object's bytes, or what is known of it.
pub(super) async fn get(
    State(fake): State<FakeGcs>,
    Path((bucket, name)): Path<(String, String)>,
    words: Words,
    breaks_off: Option<Extension<BreakOff>>,
    headers: HeaderMap,
) -> Response {
    let known = ["alt", "fields", "generation"];
    if let Some(refused) = refused(&fake, &bucket, &headers, &words, &known) {
        return refused;
    }
    let found = fake.object(&name).filter(|object| {
        let wanted = words.get("generation");
        wanted.is_none_or(|wanted| *wanted == object.generation.to_string())
    });
    let Some(object) = found else {
        return refuse(StatusCode::NOT_FOUND, "there is no such object");
    };
    if words.get("alt").is_some_and(|alt| alt == "media") {
        bytes::serve(&object, &headers, breaks_off.is_some())
    } else {
        Json(described(&name, &object)).into_response()
    }
}

pub(super) async fn delete(
    State(fake): State<FakeGcs>,
    Path((bucket, name)): Path<(String, String)>,
    words: Words,
    headers: HeaderMap,
) -> Response {
    if let Some(refused) = refused(&fake, &bucket, &headers, &words, &[]) {
        return refused;
    }
    match fake.state().objects.remove(&name) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => refuse(StatusCode::NOT_FOUND, "there is no such object"),
    }
}

/// A page's token is the last name of the page before. The first page of a list that begins somewhere is empty, as Google
/// allows itself.
pub(super) async fn list(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    words: Words,
    headers: HeaderMap,
) -> Response {
    let known = ["fields", "maxResults", "pageToken", "prefix", "startOffset"];
    if let Some(refused) = refused(&fake, &bucket, &headers, &words, &known) {
        return refused;
    }
    let word = |name: &str| words.get(name).map(String::as_str).unwrap_or_default();
    let (token, start) = (word("pageToken"), word("startOffset"));
    if token.is_empty() && !start.is_empty() {
        return Json(json!({"nextPageToken": "-"})).into_response();
    }
    let from = match token {
        "" | "-" => Bound::Included(start),
        token => Bound::Excluded(token),
    };
    let state = fake.state();
    let most = word("maxResults").parse().unwrap_or(1_000).min(state.page);
    let mut found = state
        .objects
        .range::<str, _>((from, Bound::Unbounded))
        .filter(|(name, _)| name.starts_with(word("prefix")));
    let page: Vec<(&String, &Object)> = found.by_ref().take(most).collect();
    let items: Vec<Value> = page
        .iter()
        .map(|(name, object)| described(name, object))
        .collect();
    let mut answer = json!({"kind": "storage#objects"});
    // Google leaves out what is empty.
    if !items.is_empty() {
        answer["items"] = items.into();
    }
    if let (Some((last, _)), Some(_)) = (page.last(), found.next()) {
        answer["nextPageToken"] = json!(last);
    }
    Json(answer).into_response()
}
