//! List, get and revoke API keys.

use access::list::{ListQuery, Listed};
use access::{Caller, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::ActorKind;
use events::UnitOfWork;
use http::StatusCode;
use ids::ApiKeyId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Fetched, Page, PathIds,
    problem::{self, Result},
    reply::Versioned,
};

use crate::{
    App,
    events::ApiKeyRevoked,
    permissions::{ApiKeyRead, ApiKeyRevoke},
    store::api_keys::{self, ApiKeyRow},
};

/// An API key of a tenant, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Sheets export", "scopes": ["support.ticket.read"],
    "ip_ranges": ["203.0.113.0/24"], "expires_at": "2027-11-20T10:00:00Z", "requests_per_minute": null,
    "previous_until": null, "last_used_at": null,
    "created_by": {"kind": "user", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e60"},
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1
}))]
pub(crate) struct ApiKey {
    /// The ID of the key, which is also part of the key itself.
    pub(crate) id: ApiKeyId,
    /// The name of the key.
    pub(crate) name: String,
    /// The permissions of the key.
    pub(crate) scopes: Vec<String>,
    /// The IP ranges from which the key can be used, in CIDR notation. An empty list allows all addresses.
    pub(crate) ip_ranges: Vec<String>,
    /// When the key expires. `null` means never.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The rate limit of the key, if lower than the tenant's limit for keys.
    pub(crate) requests_per_minute: Option<i32>,
    /// Until when the secret from before the last rotation is still accepted.
    pub(crate) previous_until: Option<DateTime<Utc>>,
    /// When the key was last used, to the minute.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// Who created the key.
    pub(crate) created_by: ApiKeyMaker,
    /// When the key was created.
    pub(crate) created_at: DateTime<Utc>,
    /// When the key was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// Incremented with every change.
    pub(crate) version: i32,
}

/// Who created a key.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyMaker {
    /// Whether a user, another key or platform staff created the key.
    pub(crate) kind: ActorKind,
    /// The ID of the creator.
    pub(crate) id: Option<Uuid>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes,
            ip_ranges: row.ip_ranges,
            expires_at: row.expires_at,
            requests_per_minute: row.requests_per_minute,
            previous_until: row.previous_until,
            last_used_at: row.last_used_at,
            created_by: ApiKeyMaker {
                kind: row.created_by_kind,
                id: row.created_by_id,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl Versioned for ApiKey {
    fn version(&self) -> i32 {
        self.version
    }
}

web::query! {
    /// No filters.
    pub(crate) struct ListApiKeys {}
}

/// List API keys
///
/// Returns the keys of the caller's tenant that have not been revoked, newest first. Secrets are not included.
#[utoipa::path(get, path = "/api-keys", responses((status = 200, description = "The keys, without their secrets.", body = Page<ApiKey>)))]
pub(crate) async fn list_api_keys(
    State(app): State<App>,
    caller: Caller<ApiKeyRead>,
    query: ListQuery<ListApiKeys>,
) -> Result<Listed<ApiKey>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&api_keys::API_KEYS, api_keys::NEWEST_FIRST),
            |_| {},
            |_| {},
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row: ApiKeyRow| ApiKey::from(row)))
}

/// Get an API key
///
/// Returns a key of the caller's tenant, without its secret.
#[utoipa::path(get, path = "/api-keys/{id}", responses((status = 200, description = "The key.", body = ApiKey)))]
pub(crate) async fn get_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyRead>,
    PathIds(id): PathIds<ApiKeyId>,
) -> Result<Fetched<ApiKey>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let row = api_keys::find_api_key(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    unit.commit().await?;
    Ok(Fetched(row.into()))
}

/// Revoke an API key
///
/// The key stops working immediately, at the latest within a minute in all processes. A revoked key cannot be restored.
#[utoipa::path(delete, path = "/api-keys/{id}", responses((status = 204, description = "The key was revoked.")))]
pub(crate) async fn revoke_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyRevoke>,
    PathIds(id): PathIds<ApiKeyId>,
) -> Result<StatusCode> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let (name, version) = api_keys::revoke_api_key(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let event = ApiKeyRevoked { api_key_id: id };
    unit.publish(version, event).await?;
    let entry = audit::Entry::new("tenancy.api_key.revoked", "api_key", id).change(
        "name",
        name,
        Value::Null,
    );
    unit.audit(entry).await?;
    unit.commit().await?;
    app.state
        .authenticator()
        .invalidate_key(caller.tenant.id, id)
        .await;
    Ok(StatusCode::NO_CONTENT)
}
