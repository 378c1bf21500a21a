//! Changing what a key is called, from where it may call, how often, and until when.

use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::Announcement;
use ids::ApiKeyId;
use serde_json::json;
use web::{
    Fetched, IfMatch, Line, PathIds, Problem, ValidJson,
    body::{Change, Int},
    problem::{self, Result},
};

use super::{api_keys::ApiKey, create_api_key::check_held, update_features::past};
use crate::{
    App,
    domain::{api_key::IpRange, distinct::Distinct},
    events::API_KEY_UPDATED,
    permissions::ApiKeyUpdate,
    store::api_keys::{self, ApiKeyRow},
};

web::body! {
    /// What to change of a key; what is not named stays. Its scopes stay: a key with others is another key.
    pub struct UpdateApiKey {
        /// What it is for.
        pub name: Change<Line<1, 100>>,
        /// From where it may call, in CIDR notation; from anywhere with an empty list.
        pub ip_ranges: Change<Distinct<IpRange, 0, 50>>,
        /// Until when it is good, in the future; `null` for ever.
        pub expires_at: Change<Option<DateTime<Utc>>>,
        /// Requests a minute; `null` for as many as the tenant's keys may have, which is also the most.
        pub requests_per_minute: Change<Option<Int<1, 1_000_000>>>,
    }
    example { "name": "Sheets export", "expires_at": "2027-11-20T10:00:00Z", "requests_per_minute": 60 }
}

impl UpdateApiKey {
    fn apply(self, row: ApiKeyRow) -> ApiKeyRow {
        ApiKeyRow {
            name: self.name.set().map_or(row.name, Line::into_string),
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

/// Changes a key. Whoever changes more than its name must hold all its scopes, as if they made it: a longer life or wider ranges
/// are given, too. Needs a recent proof.
#[utoipa::path(method(put, patch), path = "/api-keys/{id}", responses((status = 200, description = "The key as it is now.", body = ApiKey)))]
pub async fn update_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyUpdate>,
    PathIds(id): PathIds<ApiKeyId>,
    if_match: IfMatch,
    ValidJson { value: body, .. }: ValidJson<UpdateApiKey>,
) -> Result<Fetched<ApiKey>> {
    let now = app.gate.clock().now();
    caller.check_recent_proof(now)?;
    let mut tx = caller.begin(&app.db).await?;
    let before = api_keys::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let mut after = body.apply(before.clone());
    // Whoever sends back the end that was there is not wrong.
    if after.expires_at != before.expires_at && after.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::field("/expires_at", past()));
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
        tx.commit().await?;
        return Ok(Fetched(after.into()));
    }
    if changed.iter().any(|field| field != "name") {
        check_held(&mut tx, &caller, &before.scopes).await?;
    }
    after.version += 1;
    after.updated_at = now;
    api_keys::update(&mut tx, &after).await?;
    let announcement = Announcement {
        kind: &API_KEY_UPDATED,
        subject: format!("api_key/{id}"),
        version: after.version.into(),
        data: json!({"api_key_id": id, "changed": changed}),
        sealed: None,
    };
    events::announce(&mut tx, caller.request(), now, announcement).await?;
    let reason = caller.reason.as_deref();
    audit::record(&mut tx, caller.request(), now, reason, entry).await?;
    tx.commit().await?;
    app.gate.forget_key(caller.tenant.id, id).await;
    Ok(Fetched(after.into()))
}
