//! Signed URLs for downloads without signing in.

use crate::ids::FileId;
use access::Caller;
use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::Actor;
use events::UnitOfWork;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use web::{PathIds, RequestInfo, ValidQuery, problem::Result};

use super::{
    content::{check_clean, sign_store_url, stream_content},
    grant::FileGrantHeader,
    load_file,
    signed_link::{self, DOWNLOAD_URL_TTL, SignedQuery},
    viewer_scope,
};
use crate::{App, error::LINK_INVALID, permissions::FileRead, store::files};

/// A signed URL from which one file can be downloaded without other credentials.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "url": "https://api.revalenz.example/api/v1/downloads/019ab1f5-6d3e-7c11-8e5a-3b1a2c3d4e5f?tenant=019ab1f2-0000-7000-8000-000000000001&version=3&expires=1795172700&signature=c2lnbmF0dXJl",
    "expires_at": "2026-11-20T11:05:00Z"
}))]
pub(crate) struct SignedLink {
    /// The complete URL.
    url: String,
    /// When the URL expires.
    expires_at: DateTime<Utc>,
}

/// Get a signed download URL
///
/// Returns a URL from which a browser can download the file without a token. It is valid for five minutes and stops working
/// when the file changes. Only files that passed the check have one.
#[utoipa::path(
    get,
    path = "/files/{id}/link",
    responses((status = 200, body = SignedLink, description = "The signed URL."))
)]
pub(crate) async fn get_link(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(id): PathIds<FileId>,
    grant: FileGrantHeader,
) -> Result<Json<SignedLink>> {
    let viewer = viewer_scope(&caller, grant.verify(&app, &caller)?);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let file = load_file(&mut unit, &viewer, id).await?;
    let expires_at = unit.now() + DOWNLOAD_URL_TTL;
    unit.commit().await?;
    check_clean(&file)?;
    let url = if let Some(url) = sign_store_url(&app, &file).await? {
        url
    } else {
        let state = &app.state;
        let tenant = caller.tenant.id;
        let path = signed_link::sign(state.keyring(), id, tenant, file.version, expires_at);
        format!("{}{path}", state.settings().public_url)
    };
    Ok(Json(SignedLink { url, expires_at }))
}

/// Download a file with a signed URL
///
/// Returns the content of a file. The signature in the query replaces other credentials. Supports `Range` and `If-Range`.
#[utoipa::path(
    get,
    path = "/downloads/{id}",
    security(()),
    responses(
        (status = 200, content_type = "*/*", body = String, description = "The whole file, with its media type."),
        (status = 206, content_type = "*/*", body = String, description = "The requested range."),
    )
)]
pub(crate) async fn get_download(
    State(app): State<App>,
    request: RequestInfo,
    PathIds(id): PathIds<FileId>,
    ValidQuery(query): ValidQuery<SignedQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let now = app.state.clock().now();
    if !signed_link::is_valid(app.state.keyring(), id, &query, now) {
        return Err(LINK_INVALID.problem());
    }
    let (tenant, actor) = (query.tenant, Actor::SYSTEM);
    let mut tx = app.db.begin_read_only(tenant, actor, now).await?;
    let file = files::find_file_unscoped(&mut tx, id).await?;
    tx.commit().await?;
    // The URL was signed for one version: it ends when the file is renamed, deleted or blocked.
    let file = file
        .filter(|file| file.version == query.version.get() && check_clean(file).is_ok())
        .ok_or(&LINK_INVALID)?;
    stream_content(&app, &file, &request, &headers).await
}
