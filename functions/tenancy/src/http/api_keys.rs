//! API keys: reading and revoking them.

use access::{Caller, audit};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use db::ActorKind;
use events::Announcement;
use http::StatusCode;
use ids::ApiKeyId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{
    Fetched, Limit, Page, PathIds, Scope, ValidQuery,
    problem::{self, Result},
    reply::Versioned,
};

use crate::{
    App,
    events::API_KEY_REVOKED,
    permissions::{ApiKeyRead, ApiKeyRevoke},
    store::api_keys::{self, ApiKeyRow},
};

/// A key with which a tenant's scripts call, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f", "name": "Sheets export", "scopes": ["support.ticket.read"],
    "ip_ranges": ["203.0.113.0/24"], "expires_at": "2027-11-20T10:00:00Z", "requests_per_minute": null,
    "previous_until": null, "last_used_at": null,
    "created_by": {"kind": "user", "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e60"},
    "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1
}))]
pub struct ApiKey {
    /// Its identifier; also the second half of what stands before the underscore in the key.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From where it may call, in CIDR notation; from anywhere when there are none.
    pub ip_ranges: Vec<String>,
    /// Until when it is good.
    pub expires_at: Option<DateTime<Utc>>,
    /// Requests a minute, if fewer than the tenant's keys may have.
    pub requests_per_minute: Option<i32>,
    /// Until when the secret before the last rotation is good.
    pub previous_until: Option<DateTime<Utc>>,
    /// When it last called, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: ApiKeyMaker,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows with every change.
    pub version: i32,
}

/// Who made a key.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ApiKeyMaker {
    /// A person, another key, or staff.
    pub kind: ActorKind,
    /// Which.
    pub id: Option<Uuid>,
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

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ApiKeysQuery {
    /// How many.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Lists the keys that are not revoked, newest first.
#[utoipa::path(get, path = "/api-keys", responses((status = 200, description = "Keys without their secrets.", body = Page<ApiKey>)))]
pub async fn list_api_keys(
    State(app): State<App>,
    caller: Caller<ApiKeyRead>,
    ValidQuery(query): ValidQuery<ApiKeysQuery>,
) -> Result<Json<Page<ApiKey>>> {
    let scope = Scope::new("api_keys", caller.tenant.id, &());
    let after = query
        .cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let mut tx = caller.begin(&app.db).await?;
    let rows = api_keys::list(&mut tx, after, query.limit.rows()).await?;
    tx.commit().await?;
    let page = query
        .limit
        .page(rows, |last| app.cursors.seal(&scope, &last.id));
    Ok(Json(page.map(ApiKey::from)))
}

/// Reads one key, without its secret.
#[utoipa::path(get, path = "/api-keys/{id}", responses((status = 200, description = "The key.", body = ApiKey)))]
pub async fn get_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyRead>,
    PathIds(id): PathIds<ApiKeyId>,
) -> Result<Fetched<ApiKey>> {
    let mut tx = caller.begin(&app.db).await?;
    let row = api_keys::find(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    Ok(Fetched(row.into()))
}

/// Revokes a key: it is refused at once here, and within a minute everywhere.
#[utoipa::path(delete, path = "/api-keys/{id}", responses((status = 204, description = "The key is revoked.")))]
pub async fn revoke_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyRevoke>,
    PathIds(id): PathIds<ApiKeyId>,
) -> Result<StatusCode> {
    let now = app.gate.clock().now();
    let mut tx = caller.begin(&app.db).await?;
    let (name, version) = api_keys::revoke(&mut tx, id, now)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let announcement = Announcement {
        kind: &API_KEY_REVOKED,
        subject: format!("api_key/{id}"),
        version: version.into(),
        data: json!({"api_key_id": id}),
        sealed: None,
    };
    events::announce(&mut tx, caller.request(), now, announcement).await?;
    let entry = audit::Entry::new("tenancy.api_key.revoked", "api_key", id).change(
        "name",
        name,
        Value::Null,
    );
    audit::record(
        &mut tx,
        caller.request(),
        now,
        caller.reason.as_deref(),
        entry,
    )
    .await?;
    tx.commit().await?;
    app.gate.forget_key(caller.tenant.id, id).await;
    Ok(StatusCode::NO_CONTENT)
}
