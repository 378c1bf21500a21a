//! The bytes of a file, and its previews.

use std::{io, time::Duration};

use access::Caller;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use blob::{Chunks, Key, Presented as Shown, Source};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ids::FileId;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{PathIds, Problem, ValidQuery, problem, problem::Result};

use super::{away, grant::Presented, load, preview_key, sight};
use crate::{
    App,
    domain::{
        disposition::disposition,
        file::{File, Status, hex},
        kind::{is_shown, served_as},
        range::{Asked, asked},
    },
    error::{FILE_NOT_READY, FILE_REFUSED, RANGE_NOT_SATISFIABLE},
    links,
    permissions::FileRead,
};

/// Whatever it is, it loads nothing and runs nothing.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// Get the bytes of a file: from the store that is named in `Location`, or here. Pictures and PDFs are shown in place,
/// everything else is saved.
#[utoipa::path(
    get,
    path = "/files/{id}/content",
    responses(
        (status = 200, content_type = "application/octet-stream", body = String, description = "All of it."),
        (status = 206, content_type = "application/octet-stream", body = String, description = "The range that was asked for."),
        (status = 302, description = "For five minutes it is at `Location`."),
    )
)]
pub(crate) async fn get_content(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    presented: Presented,
    headers: HeaderMap,
) -> Result<Response> {
    let sight = sight(&caller, presented.check(&app, &caller)?);
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight, id).await?;
    tx.commit().await?;
    check_clean(&file)?;
    match address(&app, &file).await? {
        Some(address) => Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response()),
        None => stream(&app, &file, &headers).await,
    }
}

/// How wide a preview is to be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewQuery {
    /// In pixels; the answer is the smallest preview that is at least as wide, or the largest.
    #[serde(default = "default_width")]
    #[param(minimum = 1, maximum = 4096, default = 320, required = false)]
    pub(super) w: u16,
}

fn default_width() -> u16 {
    320
}

/// Get a preview of a picture, in WebP.
#[utoipa::path(
    get,
    path = "/files/{id}/thumbnail",
    responses((status = 200, content_type = "image/webp", body = String, description = "The preview."))
)]
pub(crate) async fn get_thumbnail(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    presented: Presented,
    ValidQuery(query): ValidQuery<PreviewQuery>,
) -> Result<Response> {
    let sight = sight(&caller, presented.check(&app, &caller)?);
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight, id).await?;
    tx.commit().await?;
    check_clean(&file)?;
    preview(&app, &file, query.w).await
}

/// Only what was checked is given out.
pub(super) fn check_clean(file: &File) -> Result<()> {
    match file.status {
        Status::Clean => Ok(()),
        Status::Pending | Status::Scanning => Err(FILE_NOT_READY.problem()),
        Status::Infected | Status::Rejected | Status::ScanFailed | Status::Deleted => {
            Err(FILE_REFUSED.problem())
        }
    }
}

/// Where a client may read the file for some minutes without us, if the store has addresses.
pub(super) async fn address(app: &App, file: &File) -> Result<Option<String>> {
    let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
    let mime_type = file.mime_type.as_deref().unwrap_or_default();
    let shown = Shown {
        content_type: served_as(mime_type),
        disposition: &disposition(&file.name, is_shown(mime_type)),
    };
    let lifetime = Duration::from_secs(links::LIFETIME.num_seconds().unsigned_abs());
    app.store
        .sign_get(&key, &shown, lifetime)
        .await
        .map_err(away)
}

/// The bytes, as many as are asked for.
pub(super) async fn stream(app: &App, file: &File, headers: &HeaderMap) -> Result<Response> {
    let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
    let size = file.size.unsigned_abs();
    let tag = format!("\"{}\"", hex(file.sha256.as_deref().unwrap_or_default()));
    let part = match asked(wanted_range(headers, &tag), size) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Beyond => {
            return Err(RANGE_NOT_SATISFIABLE
                .problem()
                .argument("size", size)
                .header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let found = app.store.get(&key, part.clone()).await.map_err(away)?;
    let chunks = found.ok_or_else(|| Problem::internal("a clean file without its object"))?;
    let mime_type = file.mime_type.as_deref().unwrap_or_default();
    let mut response = Response::new(body(chunks));
    let length = part.as_ref().map_or(size, |range| range.end - range.start);
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, served_as(mime_type));
    set(header::CONTENT_LENGTH, &length.to_string());
    set(header::ETAG, &tag);
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CACHE_CONTROL, "private, no-cache");
    let shown = is_shown(mime_type);
    set(header::CONTENT_DISPOSITION, &disposition(&file.name, shown));
    if let Some(range) = &part {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        set(header::CONTENT_RANGE, &text);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}

/// The range, unless the client has a part of something else (`If-Range`).
fn wanted_range<'a>(headers: &'a HeaderMap, tag: &str) -> Option<&'a str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::IF_RANGE) {
        Some(known) if known.trim() != tag => None,
        _ => text(header::RANGE),
    }
}

/// A preview as wide as is asked for, or the widest.
pub(super) async fn preview(app: &App, file: &File, width: u16) -> Result<Response> {
    let width = i32::from(width);
    let widths = &file.preview_widths;
    let chosen = widths.iter().find(|made| **made >= width).or(widths.last());
    let chosen = chosen.and_then(|made| u32::try_from(*made).ok());
    let key = preview_key(file, chosen.ok_or(&problem::NOT_FOUND)?).map_err(away)?;
    let found = app.store.get(&key, None).await.map_err(away)?;
    let chunks = found.ok_or(&problem::NOT_FOUND)?;
    let length = chunks.size();
    let mut response = Response::new(body(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/webp"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=3600"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    Ok(response)
}

fn body(chunks: Chunks) -> Body {
    Body::from_stream(stream::try_unfold(chunks, |mut chunks| async move {
        let next: io::Result<Option<Bytes>> = chunks.next().await;
        Ok::<_, io::Error>(next?.map(|chunk| (chunk, chunks)))
    }))
}
