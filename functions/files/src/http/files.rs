//! Files: listed, read, changed, deleted.

use access::{Caller, audit, audit::Entry};
use axum::{Json, extract::State};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::StatusCode;
use ids::FileId;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use web::{
    Fetched, IfMatch, Limit, Page, PathIds, Problem, Scope, ValidJson, ValidQuery,
    problem::{self, FieldCode, Result},
};

use super::{announce, grant::Presented, load, sight};
use crate::{
    App,
    domain::{
        file::{File, ResourceField, Status, UpdateFile},
        kind::Category,
    },
    error::FILE_RETAINED,
    events::FILE_DELETED,
    permissions::{FileDelete, FileRead, FileUpdate},
    store::{
        files::{self as rows, Filter, Position},
        usage,
    },
};

/// How long the bytes of a deleted file are kept.
const GRACE: TimeDelta = TimeDelta::days(30);

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Those of a thing: `ticket:<id>`, `user:<id>`.
    #[param(example = "ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f")]
    resource: Option<String>,
    /// Those of a category.
    #[param(inline)]
    category: Option<Category>,
    /// Every revision of this document, named by its first; without it only the newest of each.
    revision_of: Option<FileId>,
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
}

/// List files, the newest first: those that the caller may read, and their own in whatever state.
#[utoipa::path(get, path = "/files", responses((status = 200, body = Page<File>, description = "A page of files.")))]
pub(crate) async fn list_files(
    State(app): State<App>,
    caller: Caller<FileRead>,
    presented: Presented,
    ValidQuery(query): ValidQuery<ListQuery>,
) -> Result<Json<Page<File>>> {
    let sight = sight(&caller, presented.check(&app, &caller)?);
    let resource = query.resource.as_deref().map(ResourceField::parse);
    let resource = resource
        .transpose()
        .map_err(|code| Problem::field("/resource", code))?;
    let filter = Filter {
        resource: resource.map(|field| field.0),
        category: query.category,
        revision_of: query.revision_of,
    };
    // Whose list it is counts too: what is seen depends on the caller.
    let selected = (
        caller.actor,
        &query.resource,
        query.category,
        query.revision_of,
    );
    let scope = Scope::new("files", caller.tenant.id, &selected);
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut tx = caller.begin(&app.db).await?;
    let found = rows::list_files(&mut tx, &sight, &filter, after.as_ref(), query.limit).await?;
    tx.commit().await?;
    let seal = |last: &File| {
        let position = Position {
            created_at: last.created_at,
            id: last.id,
        };
        app.cursors.seal(&scope, &position)
    };
    Ok(Json(query.limit.page(found, seal)))
}

/// Read what is known of a file.
#[utoipa::path(get, path = "/files/{id}", responses((status = 200, body = File, description = "The file, without its bytes.")))]
pub(crate) async fn get_file(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    presented: Presented,
) -> Result<Fetched<File>> {
    let sight = sight(&caller, presented.check(&app, &caller)?);
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight, id).await?;
    tx.commit().await?;
    Ok(Fetched(file))
}

/// Rename a file, or say until when it must be kept.
#[utoipa::path(
    method(put, patch),
    path = "/files/{id}",
    responses((status = 200, body = File, description = "The file as it is now."))
)]
pub(crate) async fn update_file(
    State(app): State<App>,
    caller: Caller<FileUpdate>,
    PathIds(id): PathIds<FileId>,
    if_match: IfMatch,
    body: ValidJson<UpdateFile>,
) -> Result<Fetched<File>> {
    let now = app.gate.clock().now();
    let sight = sight(&caller, super::Granted::default());
    let mut tx = caller.begin(&app.db).await?;
    let file = rows::lock_file(&mut tx, &sight, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(file.version)?;
    let name = body
        .value
        .name
        .as_set()
        .map_or(&*file.name, |name| name.as_str());
    let until = body.value.retention_until.as_set().copied();
    if until < file.retention_until && until.is_some() {
        return Err(Problem::field("/retention_until", earlier()));
    }
    let until = until.or(file.retention_until);
    rows::update_file(&mut tx, id, name, until, now).await?;
    let entry = Entry::new("files.file.updated", "file", id).change(
        "retention_until",
        json!(file.retention_until),
        json!(until),
    );
    if entry.has_changes() {
        audit::record(
            &mut tx,
            caller.request(),
            now,
            caller.reason.as_deref(),
            entry,
        )
        .await?;
    }
    let file = load(&mut tx, &sight, id).await?;
    tx.commit().await?;
    Ok(Fetched(file))
}

fn earlier() -> FieldCode {
    FieldCode::Rule(
        "earlier_than_before",
        web::Texts {
            de: "eine Aufbewahrung wird nur verlängert",
            en: "retention can only be made longer",
        },
    )
}

/// Delete a file. Its bytes are kept for 30 days, for nobody to read; the room is free at once.
#[utoipa::path(delete, path = "/files/{id}", responses((status = 204, description = "Deleted.")))]
pub(crate) async fn delete_file(
    State(app): State<App>,
    caller: Caller<FileDelete>,
    PathIds(id): PathIds<FileId>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    let now = app.gate.clock().now();
    let sight = sight(&caller, super::Granted::default());
    let mut tx = caller.begin(&app.db).await?;
    let first = load(&mut tx, &sight, id).await?.first();
    // The document before its revision: of two that go at the same time, the second sees what the first has left.
    rows::lock_file(&mut tx, &sight, first).await?;
    let file = rows::lock_file(&mut tx, &sight, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(file.version)?;
    check_retention(&file, now)?;
    rows::delete_file(&mut tx, id, now + GRACE, now).await?;
    rows::restore_newest(&mut tx, first).await?;
    if file.status == Status::Clean {
        usage::give_back(&mut tx, file.size).await?;
        usage::note_usage(&mut tx, id, -file.size, now).await?;
    } else {
        usage::release(&mut tx, id).await?;
    }
    let entry = Entry::new("files.file.deleted", "file", id);
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    let resource = file
        .resource
        .resource()
        .map(|resource| resource.to_string());
    let data = json!({"file_id": id, "resource": resource});
    let gone = File {
        version: file.version + 1,
        ..file
    };
    announce(&mut tx, caller.request(), now, &FILE_DELETED, &gone, data).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_retention(file: &File, now: DateTime<Utc>) -> Result<()> {
    match file.retention_until {
        Some(until) if until > now => {
            let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
            Err(FILE_RETAINED.problem().argument("until", until))
        }
        _ => Ok(()),
    }
}
