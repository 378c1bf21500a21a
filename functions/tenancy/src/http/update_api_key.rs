//! Updates name, IP ranges, expiry and rate limit of an API key.

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::ApiKeyId;
use serde_json::json;
use web::{
    Fetched, IfMatch, PathIds, Problem, SingleLine, ValidJson,
    body::{Change, Int},
    problem::{self, Result},
};

use super::{api_keys::ApiKey, create_api_key::check_caller_holds, fields::UniqueVec};
use crate::{
    App,
    domain::api_key::IpRange,
    error,
    events::ApiKeyUpdated,
    permissions::ApiKeyUpdate,
    store::api_keys::{self, ApiKeyRow},
};

web::body! {
    /// The fields to change. Fields that are not included stay unchanged. Scopes cannot be changed; create a new key
    /// instead.
    pub struct UpdateApiKey {
        /// The name of the key.
        pub name: Change<SingleLine<1, 100>>,
        /// The IP ranges from which the key can be used, in CIDR notation. An empty list allows all addresses.
        pub ip_ranges: Change<UniqueVec<IpRange, 0, 50>>,
        /// When the key expires. Must be in the future. `null` means never.
        pub expires_at: Change<Option<DateTime<Utc>>>,
        /// The rate limit of the key. `null` means the tenant's limit for keys, which it cannot exceed.
        pub requests_per_minute: Change<Option<Int<1, 1_000_000>>>,
    }
    example { "name": "Sheets export", "expires_at": "2027-11-20T10:00:00Z", "requests_per_minute": 60 }
}

impl UpdateApiKey {
    fn apply(self, row: ApiKeyRow) -> ApiKeyRow {
        ApiKeyRow {
            name: self.name.set().map_or(row.name, SingleLine::into_string),
            ip_ranges: self.ip_ranges.set().map_or(row.ip_ranges, |ranges| {
                ranges.0.iter().map(ToString::to_string).collect()
            }),
            expires_at: self.expires_at.set().unwrap_or(row.expires_at),
            requests_per_minute: self
                .requests_per_minute
                .set()
                .map_or(row.requests_per_minute, |limit| limit.map(Int::get)),
            ..row
        }
    }
}

/// Update an API key
///
/// Changes name, IP ranges, expiry or rate limit. Changing more than the name requires all scopes of the key, because
/// it can extend access. Requires recent authentication.
#[utoipa::path(method(put, patch), path = "/api-keys/{id}", responses((status = 200, description = "The updated key.", body = ApiKey)))]
pub(crate) async fn update_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyUpdate>,
    PathIds(id): PathIds<ApiKeyId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateApiKey>,
) -> Result<Fetched<ApiKey>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let before = api_keys::lock_api_key(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let now = unit.now();
    let mut after = body.apply(before.clone());
    // A client may send back an expiry that has passed meanwhile.
    if after.expires_at != before.expires_at && after.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::field("/expires_at", error::in_the_past()));
    }
    let entry = audit::Entry::new("tenancy.api_key.updated", "api_key", id)
        .change("name", before.name.as_str(), after.name.as_str())
        .change("ip_ranges", json!(before.ip_ranges), json!(after.ip_ranges))
        .change(
            "expires_at",
            json!(before.expires_at),
            json!(after.expires_at),
        )
        .change(
            "requests_per_minute",
            before.requests_per_minute,
            after.requests_per_minute,
        );
    let changed = entry.changed();
    if changed.is_empty() {
        unit.commit_unchanged().await?;
        return Ok(Fetched(after.into()));
    }
    if changed.iter().any(|field| field != "name") {
        check_caller_holds(&mut unit, &caller, &before.scopes).await?;
    }
    after.version += 1;
    after.updated_at = now;
    api_keys::update_api_key(&mut unit, &after).await?;
    let event = ApiKeyUpdated {
        api_key_id: id,
        changed,
    };
    unit.publish(after.version, event).await?;
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state
        .authenticator()
        .invalidate_key(caller.tenant.id, id)
        .await;
    Ok(Fetched(after.into()))
}
