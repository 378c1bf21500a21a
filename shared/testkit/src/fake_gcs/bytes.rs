//! Objects come in one request or in a session, and are read in full or in part.

use std::{io, ops::Range};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    FakeGcs, Object,
    catalogue::{Words, refuse, refused},
};

/// All pieces of a session but the last have a multiple of so many bytes.
const QUANTUM: usize = 256 << 10;

fn crc32c(bytes: &[u8]) -> String {
    STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes())
}

/// The object as the interface describes it, unless it is not what its sender has counted.
fn stored(fake: &FakeGcs, name: &str, bytes: Vec<u8>, told: &Value) -> Response {
    let sum = crc32c(&bytes);
    if told.is_string() && *told != sum {
        return refuse(StatusCode::BAD_REQUEST, "the checksum is another");
    }
    let size = bytes.len().to_string();
    let object = fake.store(name, bytes.into());
    Json(json!({
        "kind": "storage#object", "name": name, "bucket": FakeGcs::BUCKET, "size": size, "crc32c": sum,
        "generation": object.generation.to_string(), "metageneration": "1", "storageClass": "STANDARD",
        "timeCreated": "2026-11-21T08:00:00Z", "updated": "2026-11-21T08:00:00Z",
    }))
    .into_response()
}

/// `POST`: an object in two or three parts of one request, or the beginning of a session.
pub(super) async fn begin(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    words: Words,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = refused(&fake, &bucket, &headers, &words, &["uploadType", "name"]) {
        return refused;
    }
    let name = &words["name"];
    match words["uploadType"].as_str() {
        "multipart" => {
            let parts = parts(&headers, &body);
            let Some([described, media, rest @ ..]) = parts.as_deref() else {
                return refuse(StatusCode::BAD_REQUEST, "an object has two parts");
            };
            let described: Value = serde_json::from_slice(described).unwrap();
            let sums = rest
                .first()
                .map(|sums| serde_json::from_slice(sums).unwrap());
            let sums: Value = sums.unwrap_or(described);
            stored(&fake, name, media.clone(), &sums["crc32c"])
        }
        "resumable" => {
            let mut state = fake.state();
            state.generations += 1;
            let id = format!("session-{}", state.generations);
            state
                .sessions
                .insert(id.clone(), (name.clone(), Vec::new()));
            let location = format!(
                "{}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}",
                fake.address()
            );
            [(header::LOCATION, location)].into_response()
        }
        other => refuse(StatusCode::BAD_REQUEST, other),
    }
}

/// The contents of the parts of `multipart/related`.
fn parts(headers: &HeaderMap, body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = content_type.strip_prefix("multipart/related; boundary=")?;
    let find = |from: usize, what: &[u8]| {
        let found = body[from..].windows(what.len()).position(|at| at == what);
        found.map(|at| from + at)
    };
    let between = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    let mut at = boundary.len() + 2;
    while body.get(at..at + 2)? == b"\r\n" {
        let from = find(at, b"\r\n\r\n")? + 4;
        let to = find(from, between.as_bytes())?;
        parts.push(body[from..to].to_vec());
        at = to + between.len();
    }
    Some(parts)
}

/// `PUT`: a piece of a session, its last one, or a question how much has come.
pub(super) async fn go_on(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    words: Words,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = refused(
        &fake,
        &bucket,
        &headers,
        &words,
        &["uploadType", "upload_id"],
    ) {
        return refused;
    }
    let range = headers[header::CONTENT_RANGE].to_str().unwrap();
    let (piece, total) = range
        .strip_prefix("bytes ")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut state = fake.state();
    let Some((_, has_come)) = state.sessions.get_mut(&words["upload_id"]) else {
        return refuse(StatusCode::GONE, "the session is over");
    };
    if piece != "*" {
        let (from, to) = piece.split_once('-').unwrap();
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        if from != has_come.len() || to + 1 - from != body.len() {
            return refuse(StatusCode::BAD_REQUEST, "another piece is expected");
        }
        if total == "*" && !body.len().is_multiple_of(QUANTUM) {
            return refuse(StatusCode::BAD_REQUEST, "no multiple of 256 KiB");
        }
        has_come.extend_from_slice(&body);
    }
    if total == has_come.len().to_string() {
        let (name, bytes) = state.sessions.remove(&words["upload_id"]).unwrap();
        drop(state);
        let told = headers.get("x-goog-hash").map_or(Value::Null, |hash| {
            let hash = hash.to_str().unwrap().strip_prefix("crc32c=");
            json!(hash)
        });
        return stored(&fake, &name, bytes, &told);
    }
    if total != "*" {
        return refuse(StatusCode::BAD_REQUEST, "something is missing");
    }
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Some(last) = has_come.len().checked_sub(1) {
        let range = HeaderValue::try_from(format!("bytes=0-{last}")).unwrap();
        response.headers_mut().insert(header::RANGE, range);
    }
    response
}

/// The bytes that are asked for, as both interfaces serve them; or the half of them, and then a broken connection.
pub(super) fn serve(object: &Object, headers: &HeaderMap, breaks_off: bool) -> Response {
    let whole = object.bytes.len();
    let asked = headers.get(header::RANGE).map(|range| {
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let to = to.parse().map_or(whole, |to: usize| to + 1);
        from.parse::<usize>().unwrap()..to.min(whole)
    });
    if asked.as_ref().is_some_and(|range| range.start >= whole) {
        return refuse(StatusCode::RANGE_NOT_SATISFIABLE, "there is nothing there");
    }
    let Range { start, end } = asked.clone().unwrap_or(0..whole);
    let bytes = object.bytes.slice(start..end);
    let length = bytes.len();
    let body = if breaks_off {
        let half = Ok(bytes.slice(..length / 2));
        let broken = Err(io::Error::other("broken off"));
        Body::from_stream(futures::stream::iter([half, broken]))
    } else {
        Body::from(bytes)
    };
    let mut response = Response::new(body);
    let mut set = |name: HeaderName, value: String| {
        let value = HeaderValue::try_from(value).unwrap();
        response.headers_mut().insert(name, value);
    };
    let own = HeaderName::from_static;
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(own("x-goog-generation"), object.generation.to_string());
    set(own("x-goog-metageneration"), "1".to_owned());
    set(own("x-goog-stored-content-length"), whole.to_string());
    set(
        own("x-goog-hash"),
        format!("crc32c={}", crc32c(&object.bytes)),
    );
    if asked.is_some() {
        set(
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{whole}", end - 1),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}
