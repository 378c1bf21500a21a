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

use super::{Granted, limit_of, load, object_key, sight};
use crate::{
    App,
    domain::{kind::Category, name::FileName},
    error::{GRANT_INVALID, STORAGE_FULL},
    permissions::{FileCreate, FileRead},
    store::{
        files::{self, NewFile, Sight},
        uploads::{self, NewUpload},
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
    pub(super) internal: bool,
    pub(super) revision_of: Option<FileId>,
    pub(super) upload: NewUpload,
}

/// Reserves the room and writes the rows of an upload. Answers its file and until when it may stand still.
pub(super) async fn begin(
    app: &App,
    caller: &Caller<FileCreate>,
    granted: &Granted,
    new: Beginning,
) -> Result<(FileId, DateTime<Utc>)> {
    let now = app.gate.clock().now();
    let category = new.category.unwrap_or(Category::Attachment);
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
    let internal = new.internal && internal_allowed(caller, granted)?;
    let mut tx = caller.begin(&app.db).await?;
    let revision_of = first_revision(&mut tx, caller, granted, new.revision_of).await?;
    reserve(&mut tx, caller, new.upload.reserved).await?;
    let id = FileId::at(now);
    let file = NewFile {
        id,
        name: new.name.as_str().to_owned(),
        category,
        resource,
        internal,
        revision_of,
        object_key: object_key(tx.tenant(), id, now),
        due_at: now + STANDSTILL,
    };
    files::insert_file(&mut tx, &file, now).await?;
    uploads::insert_upload(&mut tx, id, &new.upload, now).await?;
    tx.commit().await?;
    Ok((id, file.due_at))
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

/// The first revision of the document that the caller wants to add one to.
async fn first_revision(
    tx: &mut TenantTx,
    caller: &Caller<FileCreate>,
    granted: &Granted,
    wanted: Option<FileId>,
) -> Result<Option<FileId>> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let sight = Sight {
        reach: caller.may::<FileRead>().ok_or(&problem::NOT_FOUND)?,
        ..sight(caller, granted.clone())
    };
    let earlier = load(tx, &sight, wanted).await;
    let earlier = earlier.map_err(|_| Problem::field("/revision_of", unknown_file()))?;
    let first = earlier.revision_of.unwrap_or(earlier.id);
    // One after the other, so that two never get the same number.
    files::lock_file(tx, &sight, first).await?;
    Ok(Some(first))
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
