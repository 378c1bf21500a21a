//! Pictures of people.

use access::Caller;
use axum::{extract::State, response::Response};
use ids::UserId;
use web::{PathIds, ValidQuery, problem, problem::Result};

use super::content::{PreviewQuery, preview};
use crate::{App, permissions::FileRead, store::files};

/// Get somebody's picture, in WebP. Everybody of the organisation sees it; it is set by uploading a file of the category
/// `avatar`.
#[utoipa::path(
    get,
    path = "/avatars/{id}",
    responses((status = 200, content_type = "image/webp", body = String, description = "The picture."))
)]
pub(crate) async fn get_avatar(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(user): PathIds<UserId>,
    ValidQuery(query): ValidQuery<PreviewQuery>,
) -> Result<Response> {
    let mut tx = caller.begin(&app.db).await?;
    let picture = files::find_avatar(&mut tx, user).await?;
    tx.commit().await?;
    preview(&app, &picture.ok_or(&problem::NOT_FOUND)?, query.w).await
}
