//! Uploads of files that are too large for a form: where their bytes go, and that they are there.

use std::collections::BTreeMap;

use access::Caller;
use axum::extract::State;
use blob::Key;
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use ids::FileId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{
    Created, Fetched, PathIds, Problem, ValidJson,
    problem::{self, Result},
    reply::Versioned,
};

use super::{
    announce, away,
    begin::{Beginning, Begun, begin},
    grant::Presented,
    load, parts_prefix, sight,
};
use crate::{
    App,
    domain::file::{CreateUpload, File, Status},
    error::{UPLOAD_GONE, UPLOAD_INCOMPLETE},
    events::FILE_UPLOADED,
    permissions::FileCreate,
    store::{
        files,
        uploads::{self, NewUpload, Part, Protocol, Upload},
        usage,
    },
};

/// How long an address of the store takes bytes.
pub(crate) const ADDRESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Where the bytes of a file go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "protocol": "tus", "method": "PATCH",
    "url": "/api/v1/files/uploads/019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f", "headers": {}, "expires_at": "2026-11-21T11:00:00Z", "version": 1
}))]
pub(crate) struct UploadSlot {
    /// The file's identifier, also of its upload.
    id: FileId,
    /// `put`: one request with the bytes and their exact length, to the store itself; then `POST /uploads/{id}/complete`.
    /// `tus`: in pieces, as tus 1.0.0 has it.
    protocol: Protocol,
    /// The method of that request.
    method: &'static str,
    /// Where to.
    url: String,
    /// Headers that it must have as they are here; the store compares them with what was signed.
    headers: BTreeMap<&'static str, String>,
    /// Until when the bytes are waited for.
    expires_at: DateTime<Utc>,
    /// Of the file.
    version: i32,
}

impl Versioned for UploadSlot {
    fn version(&self) -> i32 {
        self.version
    }
}

/// Begin an upload of up to 5 GiB: says where the bytes go. The room for them is reserved for 24 hours.
#[utoipa::path(
    post,
    path = "/uploads",
    responses((status = 201, body = UploadSlot, description = "The bytes may come."))
)]
pub(crate) async fn create_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    presented: Presented,
    body: ValidJson<CreateUpload>,
) -> Result<Created<UploadSlot>> {
    let granted = presented.check(&app, &caller)?;
    let body = body.value;
    let size = body.size.0;
    // Only to learn whether the store has addresses at all: the file has no identifier yet.
    let protocol = if app.store.has_addresses() && size > 0 {
        Protocol::Put
    } else {
        Protocol::Tus
    };
    let beginning = Beginning {
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
        },
    };
    let Begun {
        id, gives_up_at, ..
    } = begin(&app, &caller, &granted, beginning).await?;
    let key = put_key(&caller, id)?;
    let address = match protocol {
        Protocol::Put => {
            let lifetime = ADDRESS_LIFETIME.to_std().unwrap_or_default();
            let signed = app.store.sign_put(&key, size.unsigned_abs(), lifetime);
            match signed.await {
                Ok(address) => address,
                Err(error) => {
                    // Nobody learns of the upload: its room is free at once.
                    withdraw(&app, &caller, id).await?;
                    return Err(away(error));
                }
            }
        }
        Protocol::Form | Protocol::Tus => None,
    };
    let slot = match address {
        Some(address) => UploadSlot {
            id,
            protocol,
            method: "PUT",
            url: address.url,
            headers: address.headers.into_iter().collect(),
            expires_at: app.gate.clock().now() + ADDRESS_LIFETIME,
            version: 1,
        },
        None => UploadSlot {
            id,
            protocol,
            method: "PATCH",
            url: format!("/api/v1/files/uploads/{id}"),
            headers: BTreeMap::new(),
            expires_at: gives_up_at,
            version: 1,
        },
    };
    if size == 0 {
        let mut tx = caller.begin(&app.db).await?;
        finish(&mut tx, &caller, id, app.gate.clock().now()).await?;
        tx.commit().await?;
        app.step_soon(caller.tenant.id, id, caller.request()).await;
    }
    Ok(Created {
        location: format!("/api/v1/files/{id}"),
        resource: slot,
    })
}

/// Say that all bytes have come. Their size is compared at once; content and checksum are checked before anybody gets the file.
#[utoipa::path(
    post,
    path = "/uploads/{id}/complete",
    responses((status = 200, body = File, description = "The file; `scanning` while it is being checked."))
)]
pub(crate) async fn complete_upload(
    State(app): State<App>,
    caller: Caller<FileCreate>,
    PathIds(id): PathIds<FileId>,
    presented: Presented,
) -> Result<Fetched<File>> {
    let granted = presented.check(&app, &caller)?;
    let upload = find_upload(&app, &caller, id).await?;
    if upload.status == Status::Pending && upload.protocol == Protocol::Put {
        complete(&app, &caller, id, upload.length.unwrap_or_default()).await?;
    } else if upload.status == Status::Pending {
        let size = upload.length.unwrap_or_default();
        return Err(UPLOAD_INCOMPLETE.problem().argument("size", size));
    }
    app.step_soon(caller.tenant.id, id, caller.request()).await;
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight(&caller, granted), id).await;
    tx.commit().await?;
    file.map(Fetched).map_err(|_| UPLOAD_GONE.problem())
}

/// The caller's upload, or `404`. Nothing is locked: bytes may be on their way.
pub(super) async fn find_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    id: FileId,
) -> Result<Upload> {
    let mut tx = app.db.begin_reading(caller.tenant.id, caller.actor).await?;
    let upload = uploads::find_upload(&mut tx, caller.actor, id).await?;
    tx.commit().await?;
    upload.ok_or_else(|| problem::NOT_FOUND.problem())
}

async fn complete(app: &App, caller: &Caller<FileCreate>, id: FileId, length: i64) -> Result<()> {
    let now = app.gate.clock().now();
    let key = put_key(caller, id)?;
    let stored = app.store.size(&key).await.map_err(away)?;
    if stored != Some(length.unsigned_abs()) {
        return Err(UPLOAD_INCOMPLETE.problem().argument("size", length));
    }
    let mut tx = caller.begin(&app.db).await?;
    let upload = uploads::lock_upload(&mut tx, caller.actor, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if upload.status == Status::Pending && upload.received == 0 {
        let part = Part {
            begins_at: 0,
            size: length,
            object_key: key.as_str().to_owned(),
        };
        uploads::append_part(&mut tx, id, &part, 0).await?;
        finish(&mut tx, caller, id, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Where the store's own address puts the bytes.
fn put_key(caller: &Caller<FileCreate>, id: FileId) -> Result<Key> {
    Key::parse(&format!("{}/put", parts_prefix(caller.tenant.id, id))).map_err(Problem::internal)
}

/// Ends an upload whose bytes have all come: it is to be checked.
pub(super) async fn finish(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    id: FileId,
    now: DateTime<Utc>,
) -> Result<()> {
    if !uploads::finish_upload(tx, id, now).await? {
        return Err(UPLOAD_GONE.problem());
    }
    let file = files::find_any_file(tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let data = json!({
        "file_id": id, "category": file.category, "owner": file.owner,
        "resource": file.resource.resource().map(|resource| resource.to_string()),
    });
    announce(tx, caller.request(), now, &FILE_UPLOADED, &file, data).await?;
    metrics::counter!("files_uploads_total", "became" => "uploaded").increment(1);
    Ok(())
}

/// Gives an upload up: its room is free, its bytes go.
pub(super) async fn withdraw(app: &App, caller: &Caller<FileCreate>, id: FileId) -> Result<()> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let upload = uploads::lock_upload(&mut tx, caller.actor, id).await?;
    if upload.is_some_and(|upload| upload.status == Status::Pending) {
        files::delete_file(&mut tx, id, now, now).await?;
        usage::release(&mut tx, id).await?;
        metrics::counter!("files_uploads_total", "became" => "withdrawn").increment(1);
    }
    tx.commit().await?;
    app.step_soon(caller.tenant.id, id, caller.request()).await;
    Ok(())
}
