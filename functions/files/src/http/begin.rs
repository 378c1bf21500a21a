//! How every upload begins: what it may be, where it belongs, the room for it.

use access::{
    Caller, Reach,
    file_grant::{Resource, ResourceType},
};
use chrono::{DateTime, TimeDelta, Utc};
use db::TenantTx;
use ids::FileId;
use web::{
    Problem,
    problem::{self, FieldCode, Result},
};

use super::{Granted, limit_of, object_key, sight};
use crate::{
    App,
    domain::{file::File, kind::Category, name::FileName},
    error::{GRANT_INVALID, STORAGE_FULL},
    permissions::{FileCreate, FileRead, FileUpdate},
    store::{
        files::{self, NewFile, Sight},
        uploads::{self, NewUpload, Protocol},
        usage,
    },
};

/// How long an upload may stand still.
pub(super) const STANDSTILL: TimeDelta = TimeDelta::hours(24);

/// What is to come.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) name: FileName,
    pub(super) category: Option<Category>,
    pub(super) resource: Option<Resource>,
    pub(super) internal: Option<bool>,
    pub(super) revision_of: Option<FileId>,
    pub(super) upload: NewUpload,
}

/// What has begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) id: FileId,
    /// Until when it may stand still.
    pub(super) gives_up_at: DateTime<Utc>,
    /// Bytes that it may have.
    pub(super) limit: i64,
}

/// Reserves the room and writes the rows of an upload.
pub(super) async fn begin(
    app: &App,
    caller: &Caller<FileCreate>,
    granted: &Granted,
    mut new: Beginning,
) -> Result<Begun> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let earlier = earlier_revision(&mut tx, caller, granted, new.revision_of).await?;
    if let Some(earlier) = &earlier {
        inherit(&mut new, earlier)?;
    }
    let category = new.category.unwrap_or(Category::Attachment);
    if new.upload.protocol == Protocol::Form {
        // What is around the file counts in its request, and not in the file.
        new.upload.reserved = new.upload.reserved.min(category.limit());
    }
    let most = new
        .upload
        .length
        .unwrap_or_default()
        .max(new.upload.reserved);
    if most > category.limit() {
        let limit = category.limit();
        return Err(problem::TOO_LARGE.problem().argument("limit", limit));
    }
    let resource = owner(caller, granted, category, new.resource)?;
    let internal = new.internal.unwrap_or_default() && internal_allowed(caller, granted)?;
    reserve(&mut tx, caller, new.upload.reserved).await?;
    let id = FileId::at(now);
    let file = NewFile {
        id,
        name: new.name.as_str().to_owned(),
        category,
        resource,
        internal,
        revision_of: earlier.map(|earlier| earlier.first()),
        object_key: object_key(tx.tenant(), id, now),
        due_at: now + STANDSTILL,
    };
    files::insert_file(&mut tx, &file, now).await?;
    uploads::insert_upload(&mut tx, id, &new.upload, now).await?;
    tx.commit().await?;
    Ok(Begun {
        id,
        gives_up_at: file.due_at,
        limit: category.limit(),
    })
}

/// Room for so many bytes more, or `413`.
pub(super) async fn reserve(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    bytes: i64,
) -> Result<()> {
    let limit = limit_of(&caller.tenant.limits);
    if usage::reserve(tx, bytes, limit).await? {
        Ok(())
    } else {
        Err(STORAGE_FULL.problem().argument("limit", limit))
    }
}

/// The thing that the file is to belong to. A picture of a person belongs to that person.
fn owner(
    caller: &Caller<FileCreate>,
    granted: &Granted,
    category: Category,
    wanted: Option<Resource>,
) -> Result<Option<Resource>> {
    let own = caller.user.map(|user| Resource {
        r#type: ResourceType::User,
        id: user.uuid(),
    });
    let wanted = match (category, wanted) {
        (Category::Avatar, None) => Some(own.ok_or_else(|| not_granted("/category"))?),
        (_, wanted) => wanted,
    };
    match wanted {
        Some(Resource {
            r#type: ResourceType::Ticket,
            ..
        }) if category == Category::Avatar => Err(not_granted("/resource")),
        Some(resource) if Some(resource) == own => Ok(wanted),
        Some(resource) if granted.0.as_ref().is_some_and(|g| g.resource == resource) => Ok(wanted),
        Some(_) => Err(GRANT_INVALID.problem()),
        None => Ok(None),
    }
}

fn internal_allowed(caller: &Caller<FileCreate>, granted: &Granted) -> Result<bool> {
    let grants = granted.0.as_ref().is_some_and(|grant| grant.internal);
    if grants || caller.reach() == Reach::All {
        Ok(true)
    } else {
        Err(not_granted("/internal"))
    }
}

fn not_granted(pointer: &str) -> Problem {
    Problem::field(
        pointer,
        FieldCode::Rule(
            "not_granted",
            web::Texts {
                de: "das steht dem Aufrufer nicht zu",
                en: "the caller has no right to that",
            },
        ),
    )
}

/// A revision is where its document is, whoever adds it.
fn inherit(new: &mut Beginning, earlier: &File) -> Result<()> {
    let (category, resource) = (earlier.category, earlier.resource.resource());
    let differs = |pointer| Err(Problem::field(pointer, not_its_own()));
    if new.category.is_some_and(|said| said != category) {
        return differs("/category");
    }
    if new.resource.is_some() && new.resource != resource {
        return differs("/resource");
    }
    if new.internal.is_some_and(|said| said != earlier.internal) {
        return differs("/internal");
    }
    new.category = Some(category);
    new.resource = resource;
    new.internal = Some(earlier.internal);
    Ok(())
}

fn not_its_own() -> FieldCode {
    FieldCode::Rule(
        "not_of_its_document",
        web::Texts {
            de: "eine neue Fassung hat, was ihr Dokument hat",
            en: "a revision has what its document has",
        },
    )
}

/// The file that the caller adds a revision to. It takes that file's place, so whoever adds it must be allowed to change it.
async fn earlier_revision(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    granted: &Granted,
    wanted: Option<FileId>,
) -> Result<Option<File>> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let seen = Sight {
        reach: caller.may::<FileRead>().ok_or(&problem::NOT_FOUND)?,
        ..sight(caller, granted.clone())
    };
    let earlier = files::find_file(tx, &seen, wanted).await?;
    let earlier = earlier.ok_or_else(|| Problem::field("/revision_of", unknown_file()))?;
    let refused = || not_granted("/revision_of");
    let changed = Sight {
        reach: caller.may::<FileUpdate>().ok_or_else(refused)?,
        ..sight(caller, Granted::default())
    };
    // One after the other, so that two never get the same number.
    files::lock_file(tx, &changed, earlier.first()).await?;
    let earlier = files::find_file(tx, &changed, wanted).await?;
    earlier.map(Some).ok_or_else(refused)
}

fn unknown_file() -> FieldCode {
    FieldCode::Rule(
        "unknown_file",
        web::Texts {
            de: "diese Datei gibt es hier nicht",
            en: "there is no such file here",
        },
    )
}
