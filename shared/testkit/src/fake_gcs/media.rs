//! Object data: single and resumable uploads, downloads and ranges.

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
    request::{Parameters, check, error_response},
};

/// All chunks of a resumable upload but the last must be multiples of this size.
const CHUNK_UNIT: usize = 256 << 10;

fn crc32c(bytes: &[u8]) -> String {
    STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes())
}

/// Stores an object and returns its metadata, unless the checksum differs.
fn store(fake: &FakeGcs, name: &str, bytes: Vec<u8>, checksum: &Value) -> Response {
    let sum = crc32c(&bytes);
    if checksum.is_string() && *checksum != sum {
        return error_response(StatusCode::BAD_REQUEST, "the checksum differs");
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

/// `POST`: a multipart upload, or the start of a resumable one.
pub(super) async fn start_upload(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(error) = check(
        &fake,
        &bucket,
        &headers,
        &parameters,
        &["uploadType", "name"],
    ) {
        return error;
    }
    let name = &parameters["name"];
    match parameters["uploadType"].as_str() {
        "multipart" => {
            let parts = parts(&headers, &body);
            let Some([described, media, rest @ ..]) = parts.as_deref() else {
                return error_response(StatusCode::BAD_REQUEST, "a multipart upload has two parts");
            };
            let described: Value = serde_json::from_slice(described).unwrap();
            let sums = rest
                .first()
                .map(|sums| serde_json::from_slice(sums).unwrap());
            let sums: Value = sums.unwrap_or(described);
            store(&fake, name, media.clone(), &sums["crc32c"])
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
        other => error_response(StatusCode::BAD_REQUEST, other),
    }
}

/// The parts of a `multipart/related` body.
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

/// `PUT`: a chunk of a resumable upload, its last one, or a status query.
pub(super) async fn continue_upload(
    State(fake): State<FakeGcs>,
    Path(bucket): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(error) = check(
        &fake,
        &bucket,
        &headers,
        &parameters,
        &["uploadType", "upload_id"],
    ) {
        return error;
    }
    let range = headers[header::CONTENT_RANGE].to_str().unwrap();
    let (chunk, total) = range
        .strip_prefix("bytes ")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut state = fake.state();
    let Some((_, received)) = state.sessions.get_mut(&parameters["upload_id"]) else {
        return error_response(StatusCode::GONE, "the session has ended");
    };
    if chunk != "*" {
        let (from, to) = chunk.split_once('-').unwrap();
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        if from != received.len() || to + 1 - from != body.len() {
            return error_response(StatusCode::BAD_REQUEST, "unexpected chunk");
        }
        if total == "*" && !body.len().is_multiple_of(CHUNK_UNIT) {
            return error_response(StatusCode::BAD_REQUEST, "not a multiple of 256 KiB");
        }
        received.extend_from_slice(&body);
    }
    if total == received.len().to_string() {
        let (name, bytes) = state.sessions.remove(&parameters["upload_id"]).unwrap();
        drop(state);
        let checksum = headers.get("x-goog-hash").map_or(Value::Null, |hash| {
            let hash = hash.to_str().unwrap().strip_prefix("crc32c=");
            json!(hash)
        });
        return store(&fake, &name, bytes, &checksum);
    }
    if total != "*" {
        return error_response(StatusCode::BAD_REQUEST, "incomplete upload");
    }
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Some(last) = received.len().checked_sub(1) {
        let range = HeaderValue::try_from(format!("bytes=0-{last}")).unwrap();
        response.headers_mut().insert(header::RANGE, range);
    }
    response
}

/// The requested bytes, as served by both APIs; with `aborts` only half of them, followed by a connection error.
pub(super) fn serve(object: &Object, headers: &HeaderMap, aborts: bool) -> Response {
    let total_size = object.bytes.len();
    let asked = headers.get(header::RANGE).map(|range| {
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let to = to.parse().map_or(total_size, |to: usize| to + 1);
        from.parse::<usize>().unwrap()..to.min(total_size)
    });
    if asked
        .as_ref()
        .is_some_and(|range| range.start >= total_size)
    {
        return error_response(StatusCode::RANGE_NOT_SATISFIABLE, "range not satisfiable");
    }
    let Range { start, end } = asked.clone().unwrap_or(0..total_size);
    let bytes = object.bytes.slice(start..end);
    let length = bytes.len();
    let body = if aborts {
        let half = Ok(bytes.slice(..length / 2));
        let broken = Err(io::Error::other("connection reset"));
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
    set(own("x-goog-stored-content-length"), total_size.to_string());
    set(
        own("x-goog-hash"),
        format!("crc32c={}", crc32c(&object.bytes)),
    );
    if asked.is_some() {
        set(
            header::CONTENT_RANGE,
            format!("bytes {start}-{}/{total_size}", end - 1),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}
