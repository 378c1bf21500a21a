//! Avatars.

use access::Caller;
use axum::{extract::State, response::Response};
use events::UnitOfWork;
use ids::UserId;
use web::{PathIds, ValidQuery, problem, problem::Result};

use super::content::{PreviewQuery, preview_response};
use crate::{App, permissions::FileRead, store::files};

/// Get a person's avatar
///
/// Returns the avatar in WebP. Everyone in the organisation can see it. To set your own, upload a file of the category `avatar`.
#[utoipa::path(
    get,
    path = "/avatars/{id}",
    responses((status = 200, content_type = "image/webp", body = String, description = "The avatar."))
)]
pub(crate) async fn get_avatar(
    State(app): State<App>,
    caller: Caller<FileRead>,
    PathIds(user): PathIds<UserId>,
    ValidQuery(query): ValidQuery<PreviewQuery>,
) -> Result<Response> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let avatar = files::find_avatar(&mut unit, user).await?;
    unit.commit().await?;
    preview_response(&app, &avatar.ok_or(&problem::NOT_FOUND)?, query.width()).await
}
