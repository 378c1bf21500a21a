//! Giving a key another secret.

use access::{Attempt, Caller, Idempotent, api_key::ApiKeySecret, audit};
use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use events::Announcement;
use ids::ApiKeyId;
use serde_json::json;
use web::{
    Created, PathIds,
    body::Int,
    openapi::BASE,
    problem::{self, Result},
};

use super::create_api_key::{CreatedApiKey, check_held};
use crate::{App, error, events::API_KEY_ROTATED, permissions::ApiKeyUpdate, store::api_keys};

/// Hours for which the old secret stays good unless the request says otherwise.
const OVERLAP_HOURS: i32 = 24;

web::body! {
    /// How a key is rotated.
    pub struct RotateApiKey {
        /// For how many hours the old secret stays good: 24 unless named, 0 ends it at once.
        pub overlap_hours: Option<Int<0, 168>>,
    }
    example { "overlap_hours": 24 }
}

/// Gives a key another secret; the old one stays good for a while, so that nothing stands still. Whoever rotates must hold all
/// scopes of the key, as if they made it. Needs a recent proof.
#[utoipa::path(post, path = "/api-keys/{id}/rotate", responses((status = 201, description = "The key, with its new secret this once.", body = CreatedApiKey)))]
pub async fn rotate_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyUpdate>,
    PathIds(id): PathIds<ApiKeyId>,
    body: Idempotent<RotateApiKey>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    caller.check_recent_proof(now)?;
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let mut row = api_keys::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    check_held(&mut tx, &caller, &row.scopes).await?;
    if row.expires_at.is_some_and(|end| end <= now) {
        return Err(error::API_KEY_EXPIRED.problem());
    }
    let hours = body.overlap_hours.map_or(OVERLAP_HOURS, Int::get);
    let until = now + TimeDelta::hours(hours.into());
    let secret = ApiKeySecret::generate(tx.tenant(), id);
    row.previous_until = (until > now).then_some(until);
    row.version += 1;
    row.updated_at = now;
    api_keys::rotate(&mut tx, &row, &secret.hash()).await?;
    let announcement = Announcement {
        kind: &API_KEY_ROTATED,
        subject: format!("api_key/{id}"),
        version: row.version.into(),
        data: json!({"api_key_id": id, "previous_until": row.previous_until}),
        sealed: None,
    };
    events::announce(&mut tx, caller.request(), now, announcement).await?;
    let entry = audit::Entry::new("tenancy.api_key.rotated", "api_key", id).change(
        "overlap_hours",
        serde_json::Value::Null,
        hours,
    );
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    let created = CreatedApiKey {
        api_key: row.into(),
        key: Some(secret.to_text()),
    };
    let without_secret = CreatedApiKey {
        key: None,
        ..created.clone()
    };
    let answer = Created {
        location: format!("{BASE}/api-keys/{id}"),
        resource: created,
    };
    let response = pending.created_secret(tx, answer, &without_secret).await?;
    app.gate.forget_key(caller.tenant.id, id).await;
    Ok(response)
}
