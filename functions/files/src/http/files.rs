//! Files.

use crate::ids::FileId;
use access::{
    Caller, Reach,
    audit::Entry,
    list::{ListQuery, Listed},
};
use axum::extract::State;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use events::UnitOfWork;
use http::StatusCode;
use serde_json::json;
use web::{
    Fetched, IfMatch, Page, PathIds, Problem, ValidJson,
    problem::{self, FieldCode, Result},
    query::OneOf,
};

use super::{
    body::{ResourceField, UpdateFile},
    grant::FileGrantHeader,
    load_file,
    view::File,
    viewer_scope,
};
use crate::{
    App,
    domain::{
        file::{DELETED_FILE_RETENTION, Status},
        media_type::Category,
    },
    error::FILE_RETAINED,
    events::FileDeleted,
    permissions::{FileDelete, FileRead, FileUpdate},
    store::{
        files::{self as store, FileFilter, FileRow},
        usage,
    },
};

web::query! {
    /// Filters of a list of files.
    pub(crate) struct ListFiles {
        /// Only files of one of these resources: `ticket:<id>` or `user:<id>`.
        resource: OneOf<ResourceField>,
        /// Only files of one of these categories.
        category: OneOf<Category>,
        /// All revisions of the document with this first revision. By default only the newest revision of each document is listed.
        revision_of: Option<FileId>,
    }
}

/// List files
///
/// Returns files, newest first: the caller's own files in any status, and clean files that the caller can read. A grant in
/// `X-File-Grant` adds the files of its resource.
#[utoipa::path(get, path = "/files", responses((status = 200, body = Page<File>, description = "A page of files.")))]
pub(crate) async fn list_files(
    State(app): State<App>,
    caller: Caller<FileRead>,
    grant: FileGrantHeader,
    query: ListQuery<ListFiles>,
) -> Result<Listed<File>> {
    let viewer = viewer_scope(&caller, grant.verify(&app, &caller)?);
    let ListFiles {
        resource,
        category,
        revision_of,
    } = query.filter.clone();
    let resources = resource.given();
    let filter = FileFilter {
        resources: resources.map(|fields| fields.into_iter().map(|field| field.0).collect()),
        category: category.given(),
        revision_of,
    };
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&store::FILES, store::NEWEST_FIRST),
            |sql| store::push_visible(sql, &viewer),
            |sql| store::push_filter(sql, &filter),
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row: FileRow| File::from(row)))
}

/// Get a file
///
/// Returns a file without its content. Other callers than the uploader only see files that passed the check.
#[utoipa::path(get, path = "/files/{id}", responses((status = 200, body = File, description = "The file, without its content.")))]
pub(crate) async fn get_file(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    grant: FileGrantHeader,
) -> Result<Fetched<File>> {
    let viewer = viewer_scope(&caller, grant.verify(&app, &caller)?);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = load_file(&mut unit, &viewer, id).await?;
    unit.commit().await?;
    Ok(Fetched(file.into()))
}

/// Update a file
///
/// Renames a file or sets the end of its retention period, until which it cannot be deleted. Only callers who can update all files set
/// it, for at most eleven years, and it can only be extended; platform staff can shorten it.
#[utoipa::path(
    method(put, patch),
    path = "/files/{id}",
    responses((status = 200, body = File, description = "The updated file."))
)]
pub(crate) async fn update_file(
    State(app): State<App>,
    caller: Caller<FileUpdate>,
    PathIds(id): PathIds<FileId>,
    if_match: IfMatch,
    body: ValidJson<UpdateFile>,
) -> Result<Fetched<File>> {
    let viewer = viewer_scope(&caller, None);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = store::lock_file(&mut unit, &viewer, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(file.version)?;
    let name = body
        .value
        .name
        .as_set()
        .map_or(&*file.name, |name| name.as_str());
    let until = body.value.retention_until.as_set().copied();
    if let Some(until) = until {
        check_new_retention(&caller, &file, until, unit.now())?;
    }
    let until = until.or(file.retention_until);
    store::update_file(&mut unit, id, name, until).await?;
    let entry = Entry::new("files.file.updated", "file", id).change(
        "retention_until",
        json!(file.retention_until),
        json!(until),
    );
    let file = load_file(&mut unit, &viewer, id).await?;
    if entry.has_changes() {
        unit.audit(entry).await?;
        unit.commit().await?;
    } else {
        // The audit log records the retention only, not the name.
        unit.commit_unchanged().await?;
    }
    Ok(Fetched(file.into()))
}

/// A file that cannot be deleted takes the organisation's storage, and may be one that must be erased (GDPR, article 17). So only staff
/// may retain one, for a limited time, and the platform's staff can release it, with a reason in the audit log.
fn check_new_retention(
    caller: &Caller<FileUpdate>,
    file: &FileRow,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    if caller.reach() != Reach::All {
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", "files.file.update (all)"));
    }
    if until > now + MAX_RETENTION {
        return Err(Problem::field("/retention_until", RETENTION_TOO_LONG));
    }
    if Some(until) < file.retention_until && !caller.is_superadmin() {
        return Err(Problem::field("/retention_until", RETENTION_SHORTENED));
    }
    Ok(())
}

/// The longest retention period that German law asks for (section 147 of the Abgabenordnung: ten years), and a year until it
/// begins.
const MAX_RETENTION: TimeDelta = TimeDelta::days(11 * 366);

const RETENTION_TOO_LONG: FieldCode = FieldCode::Rule(
    "too_late",
    web::Localized {
        de: "darf höchstens elf Jahre in der Zukunft liegen",
        en: "must be at most eleven years from now",
    },
);

const RETENTION_SHORTENED: FieldCode = FieldCode::Rule(
    "earlier_than_before",
    web::Localized {
        de: "darf nicht vor dem bisherigen Ende der Aufbewahrungsfrist liegen",
        en: "must not be before the current end of the retention period",
    },
);

/// Delete a file
///
/// Deletes a file and releases its storage at once. The content is removed after 30 days and cannot be read until then. Files
/// under retention cannot be deleted.
#[utoipa::path(delete, path = "/files/{id}", responses((status = 204, description = "The file was deleted.")))]
pub(crate) async fn delete_file(
    State(app): State<App>,
    caller: Caller<FileDelete>,
    PathIds(id): PathIds<FileId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let viewer = viewer_scope(&caller, None);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = load_file(&mut unit, &viewer, id).await?;
    let first = file.first_revision();
    // Lock the document before its revision, so that concurrent deletions run one after the other.
    store::lock_file(&mut unit, &viewer, first).await?;
    let file = store::lock_file(&mut unit, &viewer, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(file.version)?;
    let now = unit.now();
    check_retention(&file, now)?;
    store::delete_file(&mut unit, id, now + DELETED_FILE_RETENTION).await?;
    store::restore_newest_revision(&mut unit, first).await?;
    if file.status == Status::Clean {
        usage::release_storage(&mut unit, file.size).await?;
        usage::record_usage(&mut unit, id, -file.size).await?;
    } else {
        usage::release_reservation(&mut unit, id).await?;
    }
    unit.audit(Entry::new("files.file.deleted", "file", id))
        .await?;
    let event = FileDeleted {
        file_id: id,
        resource: file.resource().map(|resource| resource.to_string()),
    };
    unit.publish(file.version + 1, event).await?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_retention(file: &FileRow, now: DateTime<Utc>) -> Result<()> {
    match file.retention_until {
        Some(until) if until > now => {
            let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            Err(FILE_RETAINED.problem().argument("until", until))
        }
        _ => Ok(()),
    }
}
