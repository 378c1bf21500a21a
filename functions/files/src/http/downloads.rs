//! Addresses at which a file can be read without signing in.

use access::Caller;
use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use http::HeaderMap;
use ids::FileId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{PathIds, ValidQuery, problem::Result};

use super::{
    content::{address, check_clean, stream},
    grant::Presented,
    load, sight,
};
use crate::{
    App,
    error::LINK_INVALID,
    links::{self, SignedQuery},
    permissions::FileRead,
    store::files,
};

/// An address at which whoever has it may read one file for some minutes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "url": "https://api.revalenz.example/api/v1/downloads/019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f?tenant=019ab1f2-0000-7000-8000-000000000001&version=3&expires=1795172700&signature=c2lnbmF0dXJl",
    "expires_at": "2026-11-20T11:05:00Z"
}))]
pub(crate) struct SignedLink {
    /// The address, complete.
    url: String,
    /// Until when it is good.
    expires_at: DateTime<Utc>,
}

/// Get an address for a browser that can't send a token: good for five minutes, for this file as it is now.
#[utoipa::path(
    get,
    path = "/files/{id}/link",
    responses((status = 200, body = SignedLink, description = "The address."))
)]
pub(crate) async fn get_link(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    presented: Presented,
) -> Result<Json<SignedLink>> {
    let expires_at = app.gate.clock().now() + links::LIFETIME;
    let sight = sight(&caller, presented.check(&app, &caller)?);
    let mut tx = caller.begin(&app.db).await?;
    let file = load(&mut tx, &sight, id).await?;
    tx.commit().await?;
    check_clean(&file)?;
    let url = if let Some(address) = address(&app, &file).await? {
        address
    } else {
        let gate = &app.gate;
        let tenant = caller.tenant.id;
        let path = links::sign(gate.keyring(), id, tenant, file.version, expires_at);
        format!("{}{path}", gate.settings().public_url)
    };
    Ok(Json(SignedLink { url, expires_at }))
}

/// Get the bytes of a file by an address that was signed for it.
#[utoipa::path(
    get,
    path = "/downloads/{id}",
    security(()),
    responses(
        (status = 200, content_type = "application/octet-stream", body = String, description = "All of it."),
        (status = 206, content_type = "application/octet-stream", body = String, description = "The range that was asked for."),
    )
)]
pub(crate) async fn get_download(
    State(app): State<App>,
    PathIds(id): PathIds<FileId>,
    ValidQuery(query): ValidQuery<SignedQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    if !links::is_good(app.gate.keyring(), id, &query, app.gate.clock().now()) {
        return Err(LINK_INVALID.problem());
    }
    let mut tx = app.db.begin_reading(query.tenant, Actor::SYSTEM).await?;
    let file = files::find_any_file(&mut tx, id).await?;
    tx.commit().await?;
    // Renamed, deleted or blocked since: what was signed is not there any more.
    let file = file
        .filter(|file| file.version == query.version && check_clean(file).is_ok())
        .ok_or(&LINK_INVALID)?;
    stream(&app, &file, &headers).await
}
