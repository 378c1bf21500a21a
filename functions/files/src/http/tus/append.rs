//! Appending a chunk: first to the object store, then to the upload's row.

use crate::ids::FileId;
use access::{Caller, opaque::constant_time_eq};
use axum::response::{IntoResponse, Response};
use blob::{Key, StoreError};
use events::UnitOfWork;
use http::{HeaderMap, HeaderName, StatusCode};
use web::{
    Incoming, Problem,
    problem::{self, Result},
};

use super::{
    headers::{
        UPLOAD_LENGTH, UPLOAD_OFFSET, UploadChecksum, byte_count, format_expires, insert,
        invalid_header,
    },
    lookup::find_tus_upload,
};
use crate::{
    App,
    domain::file::Status,
    error::{CHECKSUM_MISMATCH, OFFSET_CONFLICT, TOO_MANY_PARTS, UPLOAD_GONE, store_unavailable},
    http::{
        chunk::Chunk,
        start_upload::{UPLOAD_IDLE_TIMEOUT, reserve_storage},
        uploads::finish_upload,
    },
    object_keys::part_key,
    permissions::FileCreate,
    store::uploads::{self, Part, Upload},
};

/// Maximum length of a chunk in bytes.
const MAX_CHUNK_LENGTH: u64 = 16 << 20;
/// Maximum number of parts of an upload. 5 GiB need 320 chunks of the maximum length.
const MAX_PARTS: i32 = 10_000;
/// The status that tus defines for a wrong checksum.
const CHECKSUM_MISMATCH_STATUS: u16 = 460;
const CHUNK_CONTENT_TYPE: &str = "application/offset+octet-stream";

pub(super) async fn append_chunk(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    headers: &HeaderMap,
    incoming: Incoming,
) -> Result<Response> {
    // Media types are case-insensitive (RFC 9110, 8.3.1).
    if !incoming
        .content_type
        .eq_ignore_ascii_case(CHUNK_CONTENT_TYPE)
    {
        return Err(problem::UNSUPPORTED_MEDIA_TYPE
            .problem()
            .argument("expected", CHUNK_CONTENT_TYPE));
    }
    let offset =
        byte_count(headers, UPLOAD_OFFSET)?.ok_or_else(|| invalid_header(UPLOAD_OFFSET))?;
    let length = byte_count(headers, UPLOAD_LENGTH)?;
    let checksum = UploadChecksum::parse(headers)?;
    let upload = find_tus_upload(app, caller, id).await?;
    if offset != upload.received {
        return Err(offset_conflict(&upload));
    }
    let length = check_length(&upload, length)?;
    let remaining = length.unwrap_or(upload.category.max_size()) - offset;
    let max_length = remaining.unsigned_abs().min(MAX_CHUNK_LENGTH);
    let too_large = || problem::TOO_LARGE.problem().argument("limit", max_length);
    if incoming.length.is_some_and(|length| length > max_length) {
        return Err(too_large());
    }

    let key = part_key(caller.tenant.id, id, offset)?;
    let algorithm = checksum.as_ref().map(|checksum| checksum.algorithm);
    let mut chunk = Chunk::new(incoming, max_length, algorithm);
    let size = match app.store.put(&key, &mut chunk).await {
        Ok(size) => i64::try_from(size).unwrap_or(i64::MAX),
        Err(StoreError::Source(_)) if chunk.is_too_long => return Err(too_large()),
        Err(error) => return Err(store_unavailable(error)),
    };
    let is_intact = match (&checksum, chunk.hash.take()) {
        (Some(checksum), Some(hash)) => {
            constant_time_eq(hash.finish().as_ref(), &checksum.expected)
        }
        _ => true,
    };
    let recorded = match chunk.interruption {
        // An incomplete chunk cannot match its checksum.
        Some(error) if checksum.is_some() => Err(error.into()),
        None if !is_intact => {
            let status =
                StatusCode::from_u16(CHECKSUM_MISMATCH_STATUS).unwrap_or(StatusCode::BAD_REQUEST);
            Err(CHECKSUM_MISMATCH.problem().with_status(status))
        }
        _ => {
            let part = Part {
                begins_at: offset,
                size,
                object_key: key.as_str().to_owned(),
            };
            record_part(app, caller, id, &part, length).await
        }
    };
    let (progress, unit) = match recorded {
        Ok(recorded) => recorded,
        Err(problem) => {
            delete_object(app, &key).await;
            return Err(problem);
        }
    };
    // If the response to the commit is lost, the part may be recorded all the same, so the object must stay.
    unit.commit().await?;
    if size == 0 {
        delete_object(app, &key).await;
    }
    if let Some(error) = chunk.interruption {
        return Err(error.into());
    }
    if progress.is_complete {
        app.process_now(caller.tenant.id, id, caller.request())
            .await;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    insert(headers, UPLOAD_OFFSET, &progress.received.to_string());
    if !progress.is_complete {
        insert(headers, "upload-expires", &progress.expires);
    }
    Ok(response)
}

/// The length of the upload, known before or announced with this request.
fn check_length(upload: &Upload, announced: Option<i64>) -> Result<Option<i64>> {
    match (upload.length, announced) {
        (Some(length), Some(announced)) if announced != length => {
            Err(invalid_header(UPLOAD_LENGTH))
        }
        (None, Some(announced)) if announced < upload.received => {
            Err(invalid_header(UPLOAD_LENGTH))
        }
        (None, Some(announced)) if announced > upload.category.max_size() => {
            let limit = upload.category.max_size();
            Err(problem::TOO_LARGE.problem().argument("limit", limit))
        }
        (known, announced) => Ok(known.or(announced)),
    }
}

fn offset_conflict(upload: &Upload) -> Problem {
    let offset = upload.received;
    OFFSET_CONFLICT
        .problem()
        .argument("offset", offset)
        .header(HeaderName::from_static(UPLOAD_OFFSET), offset.to_string())
}

/// The progress of an upload.
struct UploadProgress {
    received: i64,
    is_complete: bool,
    expires: String,
}

/// Records a stored part, unless another request advanced the offset first. It takes effect when the transaction commits.
async fn record_part(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    part: &Part,
    length: Option<i64>,
) -> Result<(UploadProgress, UnitOfWork)> {
    let mut unit = UnitOfWork::begin(app, caller).await?;
    let upload = uploads::lock_upload(&mut unit, caller.actor, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if upload.status == Status::Deleted {
        return Err(UPLOAD_GONE.problem());
    }
    if upload.received != part.begins_at {
        return Err(offset_conflict(&upload));
    }
    let received = upload.received + part.size;
    if upload.status == Status::Pending {
        let length = check_length(&upload, length)?;
        // Without a known length, only the received data is reserved.
        let required = length.unwrap_or(received);
        if received > required {
            return Err(offset_conflict(&upload));
        }
        let additional = required - upload.reserved;
        reserve_storage(&mut unit, caller, additional).await?;
        if let (None, Some(length)) = (upload.length, length) {
            uploads::set_length(&mut unit, id, length, additional).await?;
        }
        if part.size > 0 {
            if upload.parts >= MAX_PARTS {
                return Err(TOO_MANY_PARTS.problem());
            }
            let reserved = if upload.length.is_none() && length.is_none() {
                additional
            } else {
                0
            };
            uploads::append_part(&mut unit, id, part, reserved).await?;
        }
        let is_complete = length == Some(received);
        let expires_at = unit.now() + UPLOAD_IDLE_TIMEOUT;
        if is_complete {
            finish_upload(&mut unit, id).await?;
        } else {
            uploads::extend_upload(&mut unit, id, expires_at).await?;
        }
        let progress = UploadProgress {
            received,
            is_complete,
            expires: format_expires(expires_at),
        };
        return Ok((progress, unit));
    }
    if part.size > 0 {
        return Err(offset_conflict(&upload));
    }
    let progress = UploadProgress {
        received,
        is_complete: true,
        expires: String::new(),
    };
    Ok((progress, unit))
}

/// Deletes an object that is not part of the upload. What cannot be deleted now is removed with the rest of the upload.
async fn delete_object(app: &App, key: &Key) {
    if let Err(error) = app.store.delete(key).await {
        tracing::warn!(%error, "deleting an unused part failed");
    }
}
