//! Uploads of files that are too large for a form.

use std::collections::BTreeMap;

use crate::ids::FileId;
use access::Caller;
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Created, Fetched, PathIds, ValidJson,
    problem::{self, Result},
    reply::Versioned,
};

use super::{
    body::CreateUpload,
    grant::FileGrantHeader,
    start_upload::{StartedUpload, UploadRequest, start_upload},
    view::File,
    viewer_scope,
};
use crate::{
    App,
    domain::file::{Status, UPLOAD_URL_TTL},
    error::{UPLOAD_GONE, UPLOAD_INCOMPLETE, store_unavailable},
    events::FileUploaded,
    object_keys::direct_upload_key,
    permissions::FileCreate,
    store::{
        files,
        uploads::{self, NewUpload, Part, Protocol, Upload},
        usage,
    },
};

/// Where and how to upload the content of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "protocol": "tus", "method": "PATCH",
    "url": "/api/v1/files/uploads/019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "headers": {}, "expires_at": "2026-11-21T11:00:00Z", "version": 1
}))]
pub(crate) struct UploadSlot {
    /// The identifier of the file and of its upload.
    id: FileId,
    /// `put`: send the content in one request directly to the object store, then call `POST /uploads/{id}/complete`.
    /// `tus`: a resumable upload with tus 1.0.0.
    protocol: Protocol,
    /// The HTTP method of the upload request.
    method: &'static str,
    /// The URL to upload to.
    url: String,
    /// Headers that the upload request must contain unchanged, because they are part of the signature.
    headers: BTreeMap<&'static str, String>,
    /// When the upload expires.
    expires_at: DateTime<Utc>,
    /// The version of the file.
    version: i32,
}

impl Versioned for UploadSlot {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Start an upload
///
/// Reserves storage for a file of up to 5 GiB and returns where to send its content. An upload without activity expires after
/// 24 hours and releases its storage.
#[utoipa::path(
    post,
    path = "/uploads",
    responses((status = 201, body = UploadSlot, description = "The upload was started."))
)]
pub(crate) async fn create_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    grant: FileGrantHeader,
    body: ValidJson<CreateUpload>,
) -> Result<Created<UploadSlot>> {
    let grant = grant.verify(&app, &caller)?;
    let body = body.value;
    let size = body.size.0;
    let protocol = if app.store.supports_signed_urls() && size > 0 {
        Protocol::Put
    } else {
        Protocol::Tus
    };
    let request = UploadRequest {
        name: body.name,
        category: body.category,
        resource: body.resource.map(|field| field.0),
        internal: body.internal,
        revision_of: body.revision_of,
        upload: NewUpload {
            protocol,
            length: Some(size),
            reserved: size,
            expected_sha256: body.sha256.map(|hash| hash.0),
            metadata: None,
        },
    };
    let StartedUpload { id, expires_at, .. } =
        start_upload(&app, &caller, grant.as_ref(), request).await?;
    let key = direct_upload_key(caller.tenant.id, id)?;
    let signed_request = match protocol {
        Protocol::Put => {
            let ttl = UPLOAD_URL_TTL.to_std().unwrap_or_default();
            let signed = app.store.sign_put(&key, size.unsigned_abs(), ttl);
            match signed.await {
                Ok(signed_request) => signed_request,
                Err(error) => {
                    // The client never learns of this upload, so its storage is released at once.
                    cancel_upload(&app, &caller, id).await?;
                    return Err(store_unavailable(error));
                }
            }
        }
        Protocol::Form | Protocol::Tus => None,
    };
    let slot = match signed_request {
        Some(signed_request) => UploadSlot {
            id,
            protocol,
            method: "PUT",
            url: signed_request.url,
            headers: signed_request.headers.into_iter().collect(),
            expires_at: app.state.clock().now() + UPLOAD_URL_TTL,
            version: 1,
        },
        None => UploadSlot {
            id,
            protocol,
            method: "PATCH",
            url: format!("/api/v1/files/uploads/{id}"),
            headers: BTreeMap::new(),
            expires_at,
            version: 1,
        },
    };
    if size == 0 {
        let mut unit = UnitOfWork::begin(&app, &caller).await?;
        finish_upload(&mut unit, id).await?;
        unit.commit().await?;
        app.process_now(caller.tenant.id, id, caller.request())
            .await;
    }
    Ok(Created {
        location: format!("/api/v1/files/{id}"),
        resource: slot,
    })
}

/// Complete an upload
///
/// Confirms that the content was sent to the object store. The size is compared at once; content and checksum are checked before
/// the file can be downloaded. Resumable uploads complete by themselves.
#[utoipa::path(
    post,
    path = "/uploads/{id}/complete",
    responses((status = 200, body = File, description = "The file. Its status is `scanning` while it is being checked."))
)]
pub(crate) async fn complete_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    grant: FileGrantHeader,
) -> Result<Fetched<File>> {
    let grant = grant.verify(&app, &caller)?;
    let upload = find_upload(&app, &caller, id).await?;
    if upload.status == Status::Pending && upload.protocol == Protocol::Put {
        complete_direct_upload(&app, &caller, id, upload.length.unwrap_or_default()).await?;
    } else if upload.status == Status::Pending {
        let size = upload.length.unwrap_or_default();
        return Err(UPLOAD_INCOMPLETE.problem().argument("size", size));
    }
    app.process_now(caller.tenant.id, id, caller.request())
        .await;
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = files::find_file(&mut unit, &viewer_scope(&caller, grant), id).await?;
    unit.commit().await?;
    Ok(Fetched(file.ok_or(&UPLOAD_GONE)?.into()))
}

/// The caller's upload, or `404`. Takes no lock, because data may be arriving.
pub(super) async fn find_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
) -> Result<Upload> {
    let (tenant, actor, now) = (caller.tenant.id, caller.actor, app.state.clock().now());
    let mut tx = app.db.begin_read_only(tenant, actor, now).await?;
    let upload = uploads::find_upload(&mut tx, actor, id).await?;
    tx.commit().await?;
    upload.ok_or_else(|| problem::NOT_FOUND.problem())
}

async fn complete_direct_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
    length: i64,
) -> Result<()> {
    let key = direct_upload_key(caller.tenant.id, id)?;
    let stored = app.store.size(&key).await.map_err(store_unavailable)?;
    if stored != Some(length.unsigned_abs()) {
        return Err(UPLOAD_INCOMPLETE.problem().argument("size", length));
    }
    let mut unit = UnitOfWork::begin(app, caller).await?;
    let upload = uploads::lock_upload(&mut unit, caller.actor, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if upload.status == Status::Pending && upload.received == 0 {
        let part = Part {
            begins_at: 0,
            size: length,
            object_key: key.as_str().to_owned(),
        };
        uploads::append_part(&mut unit, id, &part, 0).await?;
        finish_upload(&mut unit, id).await?;
    }
    unit.commit().await?;
    Ok(())
}

/// Marks an upload as complete and schedules the check of its file.
pub(super) async fn finish_upload(unit: &mut UnitOfWork, id: FileId) -> Result<()> {
    if !uploads::finish_upload(unit, id).await? {
        return Err(UPLOAD_GONE.problem());
    }
    let file = files::find_file_unscoped(unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let event = FileUploaded {
        file_id: id,
        category: file.category,
        resource: file.resource().map(|resource| resource.to_string()),
        owner: file.owner(),
    };
    unit.publish(file.version, event).await?;
    metrics::counter!("files_uploads_total", "became" => "uploaded").increment(1);
    Ok(())
}

/// Cancels an upload, releases its storage and removes its data.
pub(super) async fn cancel_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
) -> Result<()> {
    let mut unit = UnitOfWork::begin(app, caller).await?;
    let upload = uploads::lock_upload(&mut unit, caller.actor, id).await?;
    if upload.is_some_and(|upload| upload.status == Status::Pending) {
        let now = unit.now();
        files::delete_file(&mut unit, id, now).await?;
        usage::release_reservation(&mut unit, id).await?;
        metrics::counter!("files_uploads_total", "became" => "withdrawn").increment(1);
    }
    unit.commit().await?;
    app.process_now(caller.tenant.id, id, caller.request())
        .await;
    Ok(())
}
