//! Rotates the secret of an API key.

use access::{Caller, api_key::ApiKeySecret, audit};
use axum::{extract::State, response::Response};
use chrono::TimeDelta;
use events::{Attempt, Idempotent};
use ids::ApiKeyId;
use serde_json::Value;
use web::{
    Created, PathIds,
    body::Int,
    openapi::BASE,
    problem::{self, Result},
};

use super::create_api_key::{CreatedApiKey, check_caller_holds};
use crate::{App, error, events::ApiKeyRotated, permissions::ApiKeyUpdate, store::api_keys};

/// How many hours the old secret stays valid by default.
const DEFAULT_OVERLAP_HOURS: i32 = 24;

web::body! {
    /// How to rotate a key.
    pub struct RotateApiKey {
        /// For how many hours the old secret stays valid. Defaults to 24; with 0 it stops working immediately.
        pub overlap_hours: Option<Int<0, 168>>,
    }
    example { "overlap_hours": 24 }
}

/// Rotate an API key
///
/// Creates a new secret for the key, which is returned only once. The old secret stays valid for the overlap period.
/// Requires recent authentication and all scopes of the key.
#[utoipa::path(post, path = "/api-keys/{id}/rotate", responses((status = 201, description = "The key with its new secret, which is returned only once.", body = CreatedApiKey)))]
pub(crate) async fn rotate_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyUpdate>,
    PathIds(id): PathIds<ApiKeyId>,
    body: Idempotent<RotateApiKey>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let now = unit.now();
    let mut row = api_keys::lock_api_key(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    check_caller_holds(&mut unit, &caller, &row.scopes).await?;
    if row.expires_at.is_some_and(|end| end <= now) {
        return Err(error::API_KEY_EXPIRED.problem());
    }
    let hours = body.overlap_hours.map_or(DEFAULT_OVERLAP_HOURS, Int::get);
    let until = now + TimeDelta::hours(hours.into());
    let secret = ApiKeySecret::generate(unit.tenant(), id);
    row.previous_until = (until > now).then_some(until);
    row.version += 1;
    row.updated_at = now;
    api_keys::rotate_api_key(&mut unit, &row, &secret.hash()).await?;
    let event = ApiKeyRotated {
        api_key_id: id,
        previous_until: row.previous_until,
    };
    unit.publish(row.version, event).await?;
    let entry = audit::Entry::new("tenancy.api_key.rotated", "api_key", id).change(
        "overlap_hours",
        Value::Null,
        hours,
    );
    unit.audit(entry).await?;
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
    let response = pending
        .created_secret(unit, answer, &without_secret)
        .await?;
    app.state
        .authenticator()
        .invalidate_key(caller.tenant.id, id)
        .await;
    Ok(response)
}
