//! Doors through which the scheduler starts jobs. However often it knocks, the effect is there once.

use access::InternalCaller;
use axum::{Json, extract::State};
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    jobs::{self, Announced, Expired},
    signing::Rotation,
};

/// Put the next signing key in force when the current one is old enough, and publish the one after it.
#[utoipa::path(post, path = "/internal/jobs/rotate-signing-keys", responses((status = 200, body = Rotation, description = "What was done.")))]
pub(crate) async fn rotate_signing_keys(
    State(app): State<App>,
    _caller: InternalCaller,
) -> Result<Json<Rotation>> {
    Ok(Json(app.rotate_signing_keys().await?))
}

/// Clear away sessions, links and answers to repeated requests that ended long ago.
#[utoipa::path(post, path = "/internal/jobs/expire-sessions", responses((status = 200, body = Expired, description = "How much was cleared away.")))]
pub(crate) async fn expire_sessions(
    State(app): State<App>,
    _caller: InternalCaller,
) -> Result<Json<Expired>> {
    Ok(Json(jobs::expire_sessions(&app).await?))
}

/// Announce certificates that end within 30 days, each once.
#[utoipa::path(post, path = "/internal/jobs/expiring-certificates", responses((status = 200, body = Announced, description = "How many were announced.")))]
pub(crate) async fn announce_expiring_certificates(
    State(app): State<App>,
    _caller: InternalCaller,
    request: RequestInfo,
) -> Result<Json<Announced>> {
    let announced = jobs::announce_expiring_certificates(&app, &request).await?;
    Ok(Json(announced))
}
