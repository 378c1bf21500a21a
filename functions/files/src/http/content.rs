//! The content of a file, and its previews.

use std::{io, time::Duration};

use crate::ids::FileId;
use access::Caller;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use blob::{Chunks, Key, ResponseHeaders, Source};
use bytes::Bytes;
use events::UnitOfWork;
use futures::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use web::body::Int;
use web::{PathIds, Problem, RequestInfo, ValidQuery, problem, problem::Result};

use super::{grant::FileGrantHeader, load_file, signed_link::DOWNLOAD_URL_TTL, viewer_scope};
use crate::{
    App,
    domain::{
        byte_range::{ByteRange, parse_range},
        content_disposition::content_disposition,
        file::{Status, hex},
        media_type::{is_inline_safe, served_media_type},
    },
    error::{FILE_NOT_READY, FILE_REFUSED, RANGE_NOT_SATISFIABLE, store_unavailable},
    object_keys::preview_key,
    permissions::FileRead,
    store::files::FileRow,
};

/// Prevents content from loading or executing anything in a browser.
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");
const SANDBOX: HeaderValue =
    HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// Download a file
///
/// Returns the content of a file, or redirects to a signed URL of the object store. Images and PDF files can be displayed inline;
/// everything else is sent as an attachment. Supports `Range` and `If-Range`.
#[utoipa::path(
    get,
    path = "/files/{id}/content",
    responses(
        (status = 200, content_type = "*/*", body = String, description = "The whole file, with its media type."),
        (status = 206, content_type = "*/*", body = String, description = "The requested range."),
        (status = 302, description = "The content is at `Location`, which is valid for five minutes."),
    )
)]
pub(crate) async fn get_content(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    grant: FileGrantHeader,
    headers: HeaderMap,
) -> Result<Response> {
    let viewer = viewer_scope(&caller, grant.verify(&app, &caller)?);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = load_file(&mut unit, &viewer, id).await?;
    unit.commit().await?;
    check_clean(&file)?;
    match sign_store_url(&app, &file).await? {
        Some(url) => Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response()),
        None => stream_content(&app, &file, caller.request(), &headers).await,
    }
}

const DEFAULT_WIDTH: u16 = 320;

web::query! {
    /// The width of a preview.
    pub(crate) struct PreviewQuery {
        /// The width in pixels. Returns the smallest preview that is at least as wide, or the largest one. Defaults to 320.
        pub(super) w: Option<Int<1, 4096>>,
    }
}

impl PreviewQuery {
    /// The width in pixels.
    pub(super) fn width(&self) -> u16 {
        let width = self.w.and_then(|width| u16::try_from(width.get()).ok());
        width.unwrap_or(DEFAULT_WIDTH)
    }
}

/// Get a preview of an image
///
/// Returns a preview in WebP. Only images that passed the check have previews.
#[utoipa::path(
    get,
    path = "/files/{id}/thumbnail",
    responses((status = 200, content_type = "image/webp", body = String, description = "The preview."))
)]
pub(crate) async fn get_thumbnail(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    grant: FileGrantHeader,
    ValidQuery(query): ValidQuery<PreviewQuery>,
) -> Result<Response> {
    let viewer = viewer_scope(&caller, grant.verify(&app, &caller)?);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = load_file(&mut unit, &viewer, id).await?;
    unit.commit().await?;
    check_clean(&file)?;
    preview_response(&app, &file, query.width()).await
}

/// Refuses files that did not pass the check.
pub(super) fn check_clean(file: &FileRow) -> Result<()> {
    match file.status {
        Status::Clean => Ok(()),
        Status::Pending | Status::Scanning => Err(FILE_NOT_READY.problem()),
        Status::Infected | Status::Rejected | Status::ScanFailed | Status::Deleted => {
            Err(FILE_REFUSED.problem())
        }
    }
}

/// A signed URL of the object store for the file, if the store supports them.
pub(super) async fn sign_store_url(app: &App, file: &FileRow) -> Result<Option<String>> {
    let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
    let mime_type = file.mime_type.as_deref().unwrap_or_default();
    let response_headers = ResponseHeaders {
        content_type: served_media_type(mime_type),
        disposition: &content_disposition(&file.name, is_inline_safe(mime_type)),
    };
    let ttl = Duration::from_secs(DOWNLOAD_URL_TTL.num_seconds().unsigned_abs());
    app.store
        .sign_get(&key, &response_headers, ttl)
        .await
        .map_err(store_unavailable)
}

/// Streams the content, or the requested range of it.
pub(super) async fn stream_content(
    app: &App,
    file: &FileRow,
    request: &RequestInfo,
    headers: &HeaderMap,
) -> Result<Response> {
    let key = Key::parse(&file.object_key).map_err(Problem::internal)?;
    let size = file.size.unsigned_abs();
    let etag = format!("\"{}\"", hex(file.sha256.as_deref().unwrap_or_default()));
    // RFC 9110, 14.2: a range applies to GET alone.
    let requested = match *request.method() {
        Method::GET => requested_range(headers, &etag),
        _ => None,
    };
    let range = match parse_range(requested, size) {
        ByteRange::Full => None,
        ByteRange::Partial(range) => Some(range),
        ByteRange::Unsatisfiable => {
            return Err(RANGE_NOT_SATISFIABLE
                .problem()
                .argument("size", size)
                .header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let object = app
        .store
        .get(&key, range.clone())
        .await
        .map_err(store_unavailable)?;
    let chunks = object.ok_or_else(|| Problem::internal("a clean file has no object"))?;
    let mime_type = file.mime_type.as_deref().unwrap_or_default();
    let mut response = Response::new(body(chunks));
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, served_media_type(mime_type));
    set(header::CONTENT_LENGTH, &length.to_string());
    set(header::ETAG, &etag);
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CACHE_CONTROL, "private, no-cache");
    let disposition = content_disposition(&file.name, is_inline_safe(mime_type));
    set(header::CONTENT_DISPOSITION, &disposition);
    if let Some(range) = &range {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        set(header::CONTENT_RANGE, &text);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    // Pages of an organisation on a domain of its own embed it.
    headers.insert("cross-origin-resource-policy", CROSS_ORIGIN);
    Ok(response)
}

/// The `Range` header, unless `If-Range` names another version of the content.
fn requested_range<'a>(headers: &'a HeaderMap, etag: &str) -> Option<&'a str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::IF_RANGE) {
        Some(known) if known.trim() != etag => None,
        _ => text(header::RANGE),
    }
}

/// The smallest preview with at least this width, or the largest one.
pub(super) async fn preview_response(app: &App, file: &FileRow, width: u16) -> Result<Response> {
    let width = i32::from(width);
    let widths = &file.preview_widths;
    let available = widths.iter().find(|available| **available >= width);
    let chosen = available.or(widths.last());
    let chosen = chosen.and_then(|width| u32::try_from(*width).ok());
    let key = preview_key(&file.object_key, chosen.ok_or(&problem::NOT_FOUND)?)
        .map_err(store_unavailable)?;
    let object = app.store.get(&key, None).await.map_err(store_unavailable)?;
    let chunks = object.ok_or(&problem::NOT_FOUND)?;
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
    // Pages of an organisation on a domain of its own embed it.
    headers.insert("cross-origin-resource-policy", CROSS_ORIGIN);
    Ok(response)
}

fn body(chunks: Chunks) -> Body {
    Body::from_stream(stream::try_unfold(chunks, |mut chunks| async move {
        let next: io::Result<Option<Bytes>> = chunks.next().await;
        Ok::<_, io::Error>(next?.map(|chunk| (chunk, chunks)))
    }))
}
