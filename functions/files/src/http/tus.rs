//! Uploads in pieces, over as many connections as it takes: tus 1.0.0 with creation, creation-defer-length, termination,
//! expiration and checksum (<https://tus.io/protocols/resumable-upload>).
//!
//! A piece is durable in the store before the row says how far the upload has come, and the row says it in a transaction: what
//! a client was told is never lost, whichever process dies when. Nothing is kept in a process between two requests.

mod append;
mod words;

use access::Caller;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ids::FileId;
use web::{
    Incoming, PathIds, Problem,
    problem::{self, FieldCode, Result},
};

use self::{
    append::append,
    words::{
        Checksums, DEFER, EXTENSIONS, LENGTH, MetadataError, OFFSET, TUS_VERSION, Tus, expires,
    },
};
use super::{
    begin::{Beginning, Begun, begin},
    create::resource,
    grant::Presented,
    uploads::{find_upload, finish, withdraw},
};
use crate::{
    App,
    domain::{
        file::{FileSize, Status},
        kind::Category,
        name::FileName,
    },
    error::UPLOAD_GONE,
    permissions::FileCreate,
    store::uploads::{NewUpload, Protocol, Upload},
};

pub(crate) use words::RESUMABLE;

/// Learn what uploads in pieces can do here.
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
            ("tus-extension", EXTENSIONS.to_owned()),
            ("tus-max-size", FileSize::MOST.to_string()),
            ("tus-checksum-algorithm", Checksums::NAMES.to_owned()),
        ],
    )
        .into_response()
}

/// Begin an upload in pieces. `Upload-Metadata` may name `filename`, `category`, `resource`, `internal`, `revision_of`.
#[utoipa::path(
    post,
    path = "/files/uploads",
    params(
        ("Upload-Length" = Option<i64>, Header, description = "Bytes of the file.", example = 734_003_200),
        ("Upload-Defer-Length" = Option<i64>, Header, description = "`1`: the length is said later.", example = 1),
        ("Upload-Metadata" = Option<String>, Header, description = "Names, each with its value in base64.", example = "filename RmlsbS5tcDQ="),
    ),
    responses((status = 201, description = "The pieces may come: to `Location`."))
)]
pub(crate) async fn create_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    _tus: Tus,
    presented: Presented,
    headers: HeaderMap,
) -> Result<Response> {
    let granted = presented.check(&app, &caller)?;
    let length = match (words::length(&headers, LENGTH)?, headers.get(DEFER)) {
        (Some(length), None) => Some(length),
        (None, Some(defer)) if defer.as_bytes() == b"1" => None,
        _ => return Err(words::invalid(LENGTH)),
    };
    if length.is_some_and(|length| length > FileSize::MOST) {
        return Err(problem::TOO_LARGE
            .problem()
            .argument("limit", FileSize::MOST));
    }
    let beginning = beginning(&headers, length)?;
    let Begun {
        id, gives_up_at, ..
    } = begin(&app, &caller, &granted, beginning).await?;
    if length == Some(0) {
        let mut tx = caller.begin(&app.db).await?;
        finish(&mut tx, &caller, id, app.gate.clock().now()).await?;
        tx.commit().await?;
        app.step_soon(caller.tenant.id, id, caller.request()).await;
    }
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    words::insert(headers, "location", &format!("/api/v1/files/uploads/{id}"));
    words::insert(headers, "upload-expires", &expires(gives_up_at));
    Ok(response)
}

fn beginning(headers: &HeaderMap, length: Option<i64>) -> Result<Beginning> {
    let said = words::metadata(headers)?;
    let wrong = |name: &str, code| Problem::field(format!("/{name}"), code);
    let said = |name: &'static str| -> Result<Option<&str>> {
        match said.get(name) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(MetadataError)) => Err(wrong(name, FieldCode::InvalidCharacters)),
        }
    };
    let category = said("category")?.map(|word| {
        let words: Vec<&str> = Category::ALL.iter().map(|c| c.as_str()).collect();
        Category::parse(word)
            .ok_or_else(|| wrong("category", FieldCode::NotOneOf(words.join(", "))))
    });
    let revision_of = said("revision_of")?.map(|id| {
        let no_id = || {
            FieldCode::InvalidFormat(web::Texts {
                de: "eine UUID",
                en: "a UUID",
            })
        };
        id.parse().map_err(|_| wrong("revision_of", no_id()))
    });
    let name = said("filename")?.or(said("name")?).unwrap_or("file");
    Ok(Beginning {
        name: FileName::parse(name).map_err(|code| wrong("filename", code))?,
        category: category.transpose()?,
        resource: resource(said("resource")?)?,
        internal: said("internal")?.map(|said| said == "true"),
        revision_of: revision_of.transpose()?,
        upload: NewUpload {
            protocol: Protocol::Tus,
            length,
            reserved: length.unwrap_or_default(),
            expected_sha256: None,
        },
    })
}

/// Learn how far an upload has come.
#[utoipa::path(
    head,
    path = "/files/uploads/{id}",
    responses((status = 200, description = "`Upload-Offset`, and `Upload-Length` if it is known."))
)]
pub(crate) async fn get_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: Tus,
) -> Result<Response> {
    let upload = find(&app, &caller, id).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    words::insert(headers, OFFSET, &upload.received.to_string());
    match upload.length {
        Some(length) => words::insert(headers, LENGTH, &length.to_string()),
        None => words::insert(headers, DEFER, "1"),
    }
    if let (Status::Pending, Some(due_at)) = (upload.status, upload.due_at) {
        words::insert(headers, "upload-expires", &expires(due_at));
    }
    Ok(response)
}

/// The caller's upload in pieces, or `404`, or `410` when it was given up.
async fn find(app: &App, caller: &Caller<FileCreate>, id: FileId) -> Result<Upload> {
    let now = app.gate.clock().now();
    let upload = find_upload(app, caller, id).await?;
    if upload.protocol != Protocol::Tus {
        return Err(problem::NOT_FOUND.problem());
    }
    let late = upload.status == Status::Pending && upload.due_at.is_some_and(|due| due <= now);
    if late || upload.status == Status::Deleted {
        return Err(UPLOAD_GONE.problem());
    }
    Ok(upload)
}

/// Send the next piece, of up to 16 MiB. What has come of one that breaks off is kept.
#[utoipa::path(
    patch,
    path = "/files/uploads/{id}",
    params(
        ("Upload-Offset" = i64, Header, description = "Where the piece begins.", example = 0),
        ("Upload-Length" = Option<i64>, Header, description = "Bytes of the file, where it was not said before.", example = 734_003_200),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, and the piece's hash in base64. A piece with another hash is refused with status 460.", example = "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="),
    ),
    responses((status = 204, description = "It is durable; `Upload-Offset` says how far the upload has come."))
)]
pub(crate) async fn append_to_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: Tus,
    headers: HeaderMap,
    incoming: Incoming,
) -> Result<Response> {
    // A task of its own: what has come is kept when the client hangs up.
    let work = tokio::spawn(async move { append(&app, &caller, id, &headers, incoming).await });
    work.await.map_err(Problem::internal)?
}

/// Give an upload up.
#[utoipa::path(
    delete,
    path = "/files/uploads/{id}",
    responses((status = 204, description = "Given up; the room is free."))
)]
pub(crate) async fn end_tus_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    _tus: Tus,
) -> Result<StatusCode> {
    end(&app, &caller, id).await
}

async fn end(app: &App, caller: &Caller<FileCreate>, id: FileId) -> Result<StatusCode> {
    let upload = find(app, caller, id).await?;
    if upload.status != Status::Pending {
        // It is a file by now: `DELETE /files/{id}`.
        return Err(problem::CONFLICT.problem());
    }
    withdraw(app, caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same for clients that can only `POST`: `X-HTTP-Method-Override` says `PATCH` or `DELETE`.
#[utoipa::path(
    post,
    path = "/files/uploads/{id}",
    params(("X-HTTP-Method-Override" = String, Header, description = "`PATCH` or `DELETE`.", example = "PATCH")),
    responses((status = 204, description = "As the method that is meant."))
)]
pub(crate) async fn override_tus_method(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    tus: Tus,
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
        Some(b"DELETE") => Ok(end(&app, &caller, id).await?.into_response()),
        _ => Err(words::invalid("X-HTTP-Method-Override")),
    }
}
