//! One piece: into the store, then into the row.

use access::{Caller, opaque::same};
use axum::response::{IntoResponse, Response};
use blob::{Key, StoreError};
use db::TenantTx;
use http::{HeaderMap, HeaderName, StatusCode};
use ids::FileId;
use web::{
    Incoming, Problem,
    problem::{self, Result},
};

use super::{
    find,
    words::{self, Checksums, LENGTH, OFFSET, expires},
};
use crate::{
    App,
    domain::file::Status,
    error::{CHECKSUM_MISMATCH, OFFSET_CONFLICT, TOO_MANY_PARTS, UPLOAD_GONE},
    http::{
        away,
        begin::{STANDSTILL, reserve},
        piece::{Piece, part_key},
        uploads::finish,
    },
    permissions::FileCreate,
    store::uploads::{self, Part, Upload},
};

/// Bytes of the largest piece (`decisions.md` 21).
const LARGEST: u64 = 16 << 20;
/// Pieces of one upload: 5 GiB are 320 of the largest.
const MOST_PARTS: i32 = 10_000;
/// What tus has for a piece that arrived as another.
const MISMATCH: u16 = 460;
const OCTETS: &str = "application/offset+octet-stream";

pub(super) async fn append(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    headers: &HeaderMap,
    incoming: Incoming,
) -> Result<Response> {
    if incoming.content_type != OCTETS {
        return Err(problem::UNSUPPORTED_MEDIA_TYPE
            .problem()
            .argument("expected", OCTETS));
    }
    let offset = words::length(headers, OFFSET)?.ok_or_else(|| words::invalid(OFFSET))?;
    let length = words::length(headers, LENGTH)?;
    let checksum = Checksums::read(headers)?;
    let upload = find(app, caller, id).await?;
    if offset != upload.received {
        return Err(elsewhere(&upload));
    }
    let length = check_length(&upload, length)?;
    let left = length.unwrap_or(upload.category.limit()) - offset;
    let most = left.unsigned_abs().min(LARGEST);
    let too_large = || problem::TOO_LARGE.problem().argument("limit", most);
    if incoming.length.is_some_and(|length| length > most) {
        return Err(too_large());
    }

    let key = part_key(caller.tenant.id, id, offset)?;
    let mut piece = Piece::new(incoming, most, checksum.as_ref().map(|c| c.algorithm));
    let size = match app.store.put(&key, &mut piece).await {
        Ok(size) => i64::try_from(size).unwrap_or(i64::MAX),
        Err(StoreError::Source(_)) if piece.is_too_long => return Err(too_large()),
        Err(error) => return Err(away(error)),
    };
    let is_sound = match (&checksum, piece.hash.take()) {
        (Some(checksum), Some(hash)) => same(hash.finish().as_ref(), &checksum.wanted),
        _ => true,
    };
    let kept = match piece.cut {
        // Half a piece has another hash: it is worth nothing.
        Some(cut) if checksum.is_some() => Err(cut.into()),
        None if !is_sound => {
            let status = StatusCode::from_u16(MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
            Err(CHECKSUM_MISMATCH.problem().with_status(status))
        }
        _ => {
            let part = Part {
                begins_at: offset,
                size,
                object_key: key.as_str().to_owned(),
            };
            keep(app, caller, id, &part, length).await
        }
    };
    let (standing, tx) = match kept {
        Ok(kept) => kept,
        Err(problem) => {
            forget(app, &key).await;
            return Err(problem);
        }
    };
    // If its answer is lost the database may have kept the part all the same: then the object must be there.
    tx.commit().await?;
    if size == 0 {
        forget(app, &key).await;
    }
    if let Some(cut) = piece.cut {
        return Err(cut.into());
    }
    if standing.is_complete {
        app.step_soon(caller.tenant.id, id, caller.request()).await;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    words::insert(headers, OFFSET, &standing.received.to_string());
    if !standing.is_complete {
        words::insert(headers, "upload-expires", &standing.expires);
    }
    Ok(response)
}

/// The length that the upload has, or is given now.
fn check_length(upload: &Upload, said: Option<i64>) -> Result<Option<i64>> {
    match (upload.length, said) {
        (Some(length), Some(said)) if said != length => Err(words::invalid(LENGTH)),
        (None, Some(said)) if said < upload.received => Err(words::invalid(LENGTH)),
        (None, Some(said)) if said > upload.category.limit() => {
            let limit = upload.category.limit();
            Err(problem::TOO_LARGE.problem().argument("limit", limit))
        }
        (known, said) => Ok(known.or(said)),
    }
}

fn elsewhere(upload: &Upload) -> Problem {
    let offset = upload.received;
    OFFSET_CONFLICT
        .problem()
        .argument("offset", offset)
        .header(HeaderName::from_static(OFFSET), offset.to_string())
}

/// How far the upload has come.
struct Standing {
    received: i64,
    is_complete: bool,
    expires: String,
}

/// Notes a piece that is durable, unless somebody else's came first. It counts with the end of the transaction.
async fn keep(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    part: &Part,
    length: Option<i64>,
) -> Result<(Standing, TenantTx)> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let upload = uploads::lock_upload(&mut tx, caller.actor, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if upload.status == Status::Deleted {
        return Err(UPLOAD_GONE.problem());
    }
    if upload.received != part.begins_at {
        return Err(elsewhere(&upload));
    }
    let received = upload.received + part.size;
    if upload.status == Status::Pending {
        let length = check_length(&upload, length)?;
        // Of an upload whose length is not known, what has come is reserved; else all of it.
        let wanted = length.unwrap_or(received);
        if received > wanted {
            return Err(elsewhere(&upload));
        }
        let more = wanted - upload.reserved;
        reserve(&mut tx, caller, more).await?;
        if let (None, Some(length)) = (upload.length, length) {
            uploads::set_length(&mut tx, id, length, more).await?;
        }
        if part.size > 0 {
            if upload.parts >= MOST_PARTS {
                return Err(TOO_MANY_PARTS.problem());
            }
            let reserved = if upload.length.is_none() && length.is_none() {
                more
            } else {
                0
            };
            uploads::append_part(&mut tx, id, part, reserved).await?;
        }
        if length == Some(received) {
            finish(&mut tx, caller, id, now).await?;
        } else {
            uploads::postpone(&mut tx, id, now + STANDSTILL).await?;
        }
        let standing = Standing {
            received,
            is_complete: length == Some(received),
            expires: expires(now + STANDSTILL),
        };
        return Ok((standing, tx));
    }
    if part.size > 0 {
        return Err(elsewhere(&upload));
    }
    let standing = Standing {
        received,
        is_complete: true,
        expires: String::new(),
    };
    Ok((standing, tx))
}

/// Nobody will ask for it; what can't be removed now goes with the rest of the upload.
async fn forget(app: &App, key: &Key) {
    if let Err(error) = app.store.delete(key).await {
        tracing::warn!(%error, "a piece that nobody needs is left to the end of its upload");
    }
}
