//! Resumable uploads: tus 1.0.0 with creation, creation-defer-length, termination, expiration and checksum
//! (<https://tus.io/protocols/resumable-upload>).
//!
//! A chunk is durable in the object store before the transaction that advances the offset. An acknowledged offset is therefore
//! never lost, even if a process dies. No state is kept in memory between requests.

mod append;
mod headers;
mod lookup;

use crate::ids::FileId;
use access::Caller;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use events::UnitOfWork;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use web::{
    Incoming, PathIds, Problem,
    problem::{self, FieldCode, Result},
};

use self::{
    append::append_chunk,
    headers::{
        MetadataError, TUS_EXTENSIONS, TUS_VERSION, TusResumable, UPLOAD_DEFER_LENGTH,
        UPLOAD_LENGTH, UPLOAD_OFFSET, UploadChecksum, format_expires,
    },
    lookup::find_tus_upload,
};
use super::{
    create::parse_resource,
    grant::FileGrantHeader,
    start_upload::{StartedUpload, UploadRequest, start_upload},
    uploads::{cancel_upload, finish_upload},
};
use crate::{
    App,
    domain::{
        file::{MAX_FILE_SIZE, Status},
        file_name::FileName,
        media_type::Category,
    },
    permissions::FileCreate,
    store::uploads::{NewUpload, Protocol},
};

pub(crate) use headers::TUS_RESUMABLE;

const UUID_FORMAT: web::Localized = web::Localized {
    de: "muss eine UUID sein",
    en: "must be a UUID",
};

/// Get the supported tus extensions and limits
///
/// Returns the version, extensions, maximum size and checksum algorithms of the tus protocol that this server supports.
#[utoipa::path(
    options,
    path = "/files/uploads",
    security(()),
    responses((status = 204, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`."))
)]
pub(crate) async fn describe_tus(State(_): State<App>) -> Response {
    (
        StatusCode::NO_CONTENT,
        [
            ("tus-version", TUS_VERSION.to_owned()),
            ("tus-extension", TUS_EXTENSIONS.to_owned()),
            ("tus-max-size", MAX_FILE_SIZE.to_string()),
            (
                "tus-checksum-algorithm",
                UploadChecksum::ALGORITHMS.to_owned(),
            ),
        ],
    )
        .into_response()
}

/// Start a resumable upload
///
/// Starts an upload with tus and returns its URL in `Location`. `Upload-Metadata` may contain `filename`, `category`, `resource`,
/// `internal` and `revision_of`. Storage for the announced length is reserved.
#[utoipa::path(
    post,
    path = "/files/uploads",
    params(
        ("Upload-Length" = Option<i64>, Header, description = "The size of the file in bytes.", example = 734_003_200),
        ("Upload-Defer-Length" = Option<i64>, Header, description = "`1` if the length is announced later.", example = 1),
        ("Upload-Metadata" = Option<String>, Header, description = "Comma-separated keys, each with its value in base64.", example = "filename RmlsbS5tcDQ="),
    ),
    responses((status = 201, description = "The upload was started. Its URL is in `Location`."))
)]
pub(crate) async fn create_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    _tus: TusResumable,
    grant: FileGrantHeader,
    headers: HeaderMap,
) -> Result<Response> {
    let grant = grant.verify(&app, &caller)?;
    let length = match (
        headers::byte_count(&headers, UPLOAD_LENGTH)?,
        headers.get(UPLOAD_DEFER_LENGTH),
    ) {
        (Some(length), None) => Some(length),
        (None, Some(defer)) if defer.as_bytes() == b"1" => None,
        _ => return Err(headers::invalid_header(UPLOAD_LENGTH)),
    };
    if length.is_some_and(|length| length > MAX_FILE_SIZE) {
        return Err(problem::TOO_LARGE
            .problem()
            .argument("limit", MAX_FILE_SIZE));
    }
    let request = upload_request(&headers, length)?;
    let StartedUpload { id, expires_at, .. } =
        start_upload(&app, &caller, grant.as_ref(), request).await?;
    if length == Some(0) {
        let mut unit = UnitOfWork::begin(&app, &caller).await?;
        finish_upload(&mut unit, id).await?;
        unit.commit().await?;
        app.process_now(caller.tenant.id, id, caller.request())
            .await;
    }
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    headers::insert(headers, "location", &format!("/api/v1/files/uploads/{id}"));
    headers::insert(headers, "upload-expires", &format_expires(expires_at));
    Ok(response)
}

fn upload_request(headers: &HeaderMap, length: Option<i64>) -> Result<UploadRequest> {
    let metadata = headers::metadata(headers)?;
    let invalid = |name: &str, code| Problem::field(format!("/{name}"), code);
    let value = |name: &'static str| -> Result<Option<&str>> {
        match metadata.get(name) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(MetadataError)) => Err(invalid(name, FieldCode::InvalidCharacters)),
        }
    };
    let category = value("category")?.map(|word| {
        let words: Vec<&str> = Category::ALL.iter().map(|c| c.as_str()).collect();
        Category::parse(word)
            .ok_or_else(|| invalid("category", FieldCode::NotOneOf(words.join(", "))))
    });
    let revision_of = value("revision_of")?.map(|id| {
        id.parse()
            .map_err(|_| invalid("revision_of", FieldCode::InvalidFormat(UUID_FORMAT)))
    });
    let name = value("filename")?.or(value("name")?).unwrap_or("file");
    Ok(UploadRequest {
        name: FileName::parse(name).map_err(|code| invalid("filename", code))?,
        category: category.transpose()?,
        resource: parse_resource(value("resource")?)?,
        internal: value("internal")?.map(|value| value == "true"),
        revision_of: revision_of.transpose()?,
        upload: NewUpload {
            protocol: Protocol::Tus,
            length,
            reserved: length.unwrap_or_default(),
            expected_sha256: None,
            metadata: headers
                .get("upload-metadata")
                .and_then(|text| text.to_str().ok())
                .map(str::to_owned),
        },
    })
}

/// Get the offset of a resumable upload
///
/// Returns how many bytes of the upload have been stored, so that a client can continue after an interruption.
#[utoipa::path(
    head,
    path = "/files/uploads/{id}",
    responses((status = 200, description = "`Upload-Offset`, and `Upload-Length` if it is known."))
)]
pub(crate) async fn get_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: TusResumable,
) -> Result<Response> {
    let upload = find_tus_upload(&app, &caller, id).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers::insert(headers, UPLOAD_OFFSET, &upload.received.to_string());
    match upload.length {
        Some(length) => headers::insert(headers, UPLOAD_LENGTH, &length.to_string()),
        None => headers::insert(headers, UPLOAD_DEFER_LENGTH, "1"),
    }
    if let (Status::Pending, Some(due_at)) = (upload.status, upload.due_at) {
        headers::insert(headers, "upload-expires", &format_expires(due_at));
    }
    // As the client sent it (tus 1.0, "Upload-Metadata").
    if let Some(metadata) = &upload.metadata {
        headers::insert(headers, "upload-metadata", metadata);
    }
    Ok(response)
}

/// Append to a resumable upload
///
/// Appends a chunk of up to 16 MiB at the current offset. If the connection breaks, the data received so far is kept, unless a
/// checksum was sent. The last chunk completes the upload.
#[utoipa::path(
    patch,
    path = "/files/uploads/{id}",
    params(
        ("Upload-Offset" = i64, Header, description = "The offset of the chunk; must equal the current offset of the upload.", example = 0),
        ("Upload-Length" = Option<i64>, Header, description = "The size of the file in bytes, if it was not announced before.", example = 734_003_200),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, and the hash of the chunk in base64. A chunk with another hash is refused with status 460.", example = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="),
    ),
    responses((status = 204, description = "The chunk was stored. `Upload-Offset` is the new offset."))
)]
pub(crate) async fn append_to_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: TusResumable,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response> {
    // In a separate task, so that received data is kept when the client disconnects.
    let task =
        tokio::spawn(async move { append_chunk(&app, &caller, id, &headers, incoming).await });
    task.await.map_err(Problem::internal)?
}

/// Cancel a resumable upload
///
/// Cancels an upload that is not complete, removes its data and releases its storage.
#[utoipa::path(
    delete,
    path = "/files/uploads/{id}",
    responses((status = 204, description = "The upload was cancelled."))
)]
pub(crate) async fn end_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: TusResumable,
) -> Result<StatusCode> {
    cancel_pending_upload(&app, &caller, id).await
}

async fn cancel_pending_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
) -> Result<StatusCode> {
    let upload = find_tus_upload(app, caller, id).await?;
    if upload.status != Status::Pending {
        // The upload is complete; the file is deleted with `DELETE /files/{id}`.
        return Err(problem::CONFLICT.problem());
    }
    cancel_upload(app, caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Append to or cancel an upload by POST
///
/// For clients that cannot send `PATCH` or `DELETE`: `X-HTTP-Method-Override` names the method, and the request is handled as if
/// it had been sent with it.
#[utoipa::path(
    post,
    path = "/files/uploads/{id}",
    params(("X-HTTP-Method-Override" = String, Header, description = "`PATCH`, `DELETE` or `HEAD`.", example = "PATCH")),
    responses((status = 204, description = "The response of the overridden method."))
)]
pub(crate) async fn override_tus_method(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    tus: TusResumable,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response> {
    match headers
        .get("x-http-method-override")
        .map(HeaderValue::as_bytes)
    {
        Some(b"PATCH") => {
            append_to_tus_upload(State(app), caller, PathIds(id), tus, headers, incoming).await
        }
        Some(b"HEAD") => get_tus_upload(State(app), caller, PathIds(id), tus).await,
        Some(b"DELETE") => Ok(cancel_pending_upload(&app, &caller, id)
            .await?
            .into_response()),
        _ => Err(headers::invalid_header("X-HTTP-Method-Override")),
    }
}
