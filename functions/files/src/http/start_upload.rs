//! The start of every upload: category, resource and revision are checked, and storage is reserved.

use crate::ids::FileId;
use access::{
    Caller, Reach,
    file_grant::{FileGrant, Resource},
};
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use events::UnitOfWork;
use web::{
    Problem,
    problem::{self, FieldCode, Result},
};

use super::viewer_scope;
use crate::{
    App,
    declarations::USER,
    domain::{file_name::FileName, media_type::Category},
    error::{GRANT_INVALID, STORAGE_FULL},
    object_keys::object_key,
    permissions::{FileCreate, FileRead, FileUpdate},
    store::{
        files::{self, FileRow, NewFile, ViewerScope},
        uploads::{self, NewUpload, Protocol},
        usage,
    },
};

/// An upload without activity expires after this time.
pub(super) const UPLOAD_IDLE_TIMEOUT: TimeDelta = TimeDelta::hours(24);

/// A requested upload.
#[derive(Debug)]
pub(super) struct UploadRequest {
    pub(super) name: FileName,
    pub(super) category: Option<Category>,
    pub(super) resource: Option<Resource>,
    pub(super) internal: Option<bool>,
    pub(super) revision_of: Option<FileId>,
    pub(super) upload: NewUpload,
}

/// An upload that was started.
#[derive(Debug)]
pub(super) struct StartedUpload {
    pub(super) id: FileId,
    /// When the upload expires without further activity.
    pub(super) expires_at: DateTime<Utc>,
    /// The maximum size of the file in bytes.
    pub(super) max_size: i64,
}

/// Checks a requested upload, reserves its storage and inserts its rows.
pub(super) async fn start_upload(
    app: &App,
    caller: &Caller<FileCreate>,
    grant: Option<&FileGrant>,
    mut new: UploadRequest,
) -> Result<StartedUpload> {
    let mut unit = UnitOfWork::begin(app, caller).await?;
    let previous = find_previous_revision(&mut unit, caller, grant, new.revision_of).await?;
    if let Some(previous) = &previous {
        inherit_from_document(&mut new, previous)?;
    }
    let category = new.category.unwrap_or(Category::Attachment);
    if new.upload.protocol == Protocol::Form {
        // The reservation is based on the request's length, which includes the form around the file.
        new.upload.reserved = new.upload.reserved.min(category.max_size());
    }
    let size = new
        .upload
        .length
        .unwrap_or_default()
        .max(new.upload.reserved);
    if size > category.max_size() {
        let limit = category.max_size();
        return Err(problem::TOO_LARGE.problem().argument("limit", limit));
    }
    let resource = resolve_resource(caller, grant, category, new.resource)?;
    let internal = new.internal.unwrap_or_default() && check_internal_allowed(caller, grant)?;
    reserve_storage(&mut unit, caller, new.upload.reserved).await?;
    let now = unit.now();
    let id = FileId::at(now);
    let file = NewFile {
        id,
        name: new.name.as_str().to_owned(),
        category,
        resource,
        internal,
        revision_of: previous.map(|previous| previous.first_revision()),
        object_key: object_key(unit.tenant(), id, now),
        due_at: now + UPLOAD_IDLE_TIMEOUT,
    };
    files::insert_file(&mut unit, &file).await?;
    uploads::insert_upload(&mut unit, id, &new.upload).await?;
    unit.commit().await?;
    Ok(StartedUpload {
        id,
        expires_at: file.due_at,
        max_size: category.max_size(),
    })
}

/// Reserves storage for an upload, or fails with `413`.
pub(super) async fn reserve_storage(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    bytes: i64,
) -> Result<()> {
    let limit = usage::storage_limit(&caller.tenant.limits);
    if usage::reserve_storage(tx, bytes, limit).await? {
        Ok(())
    } else {
        Err(STORAGE_FULL.problem().argument("limit", limit))
    }
}

/// The resource to attach the file to. An avatar is attached to its person.
fn resolve_resource(
    caller: &Caller<FileCreate>,
    grant: Option<&FileGrant>,
    category: Category,
    requested: Option<Resource>,
) -> Result<Option<Resource>> {
    let own = caller.user.map(|user| Resource {
        r#type: USER,
        id: user.uuid(),
    });
    let resource = match (category, requested) {
        (Category::Avatar, None) => Some(own.ok_or_else(|| not_permitted("/category"))?),
        (_, requested) => requested,
    };
    match resource {
        Some(requested) if category == Category::Avatar && requested.r#type != USER => {
            Err(not_permitted("/resource"))
        }
        Some(requested) if Some(requested) == own => Ok(resource),
        Some(requested) if grant.is_some_and(|grant| grant.resource == requested) => Ok(resource),
        Some(_) => Err(GRANT_INVALID.problem()),
        None => Ok(None),
    }
}

/// Internal files require a grant that covers them, or permission for all files.
fn check_internal_allowed(caller: &Caller<FileCreate>, grant: Option<&FileGrant>) -> Result<bool> {
    let is_granted = grant.is_some_and(|grant| grant.internal);
    if is_granted || caller.reach() == Reach::All {
        Ok(true)
    } else {
        Err(not_permitted("/internal"))
    }
}

fn not_permitted(pointer: &str) -> Problem {
    Problem::field(
        pointer,
        FieldCode::Rule(
            "not_granted",
            web::Localized {
                de: "ist mit Ihren Berechtigungen nicht möglich",
                en: "is not allowed with your permissions",
            },
        ),
    )
}

/// A revision inherits category, resource and visibility of its document. Different values are refused.
fn inherit_from_document(new: &mut UploadRequest, document: &FileRow) -> Result<()> {
    let (category, resource) = (document.category, document.resource());
    let differs = |pointer| Err(Problem::field(pointer, DIFFERS_FROM_DOCUMENT));
    if new.category.is_some_and(|requested| requested != category) {
        return differs("/category");
    }
    if new.resource.is_some() && new.resource != resource {
        return differs("/resource");
    }
    if new
        .internal
        .is_some_and(|requested| requested != document.internal)
    {
        return differs("/internal");
    }
    new.category = Some(category);
    new.resource = resource;
    new.internal = Some(document.internal);
    Ok(())
}

const DIFFERS_FROM_DOCUMENT: FieldCode = FieldCode::Rule(
    "not_of_its_document",
    web::Localized {
        de: "muss mit dem Wert des Dokuments übereinstimmen",
        en: "must be the same as that of the document",
    },
);

/// The file of which the upload is a new revision. The caller must be allowed to update it, because the revision replaces it.
async fn find_previous_revision(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    grant: Option<&FileGrant>,
    id: Option<FileId>,
) -> Result<Option<FileRow>> {
    let Some(id) = id else {
        return Ok(None);
    };
    let readable = ViewerScope {
        reach: caller.may::<FileRead>().ok_or(&problem::NOT_FOUND)?,
        ..viewer_scope(caller, grant.cloned())
    };
    let previous = files::find_file(tx, &readable, id).await?;
    let previous = previous.ok_or_else(|| Problem::field("/revision_of", UNKNOWN_FILE))?;
    let refused = || not_permitted("/revision_of");
    let updatable = ViewerScope {
        reach: caller.may::<FileUpdate>().ok_or_else(refused)?,
        ..viewer_scope(caller, None)
    };
    // The lock serialises new revisions, so that two never get the same number.
    files::lock_file(tx, &updatable, previous.first_revision()).await?;
    let previous = files::find_file(tx, &updatable, id).await?;
    previous.map(Some).ok_or_else(refused)
}

const UNKNOWN_FILE: FieldCode = FieldCode::Rule(
    "unknown_file",
    web::Localized {
        de: "ist keine bekannte Datei",
        en: "is not a known file",
    },
);
