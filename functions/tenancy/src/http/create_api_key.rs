//! Creates API keys. The scopes of a key are limited to the permissions of its creator; the secret is returned once.

use access::{Caller, Permission, ReachKind, api_key::ApiKeySecret, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::{Attempt, Idempotent};
use ids::ApiKeyId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    Created, Localized, Problem, SingleLine,
    body::Int,
    openapi::BASE,
    problem::{FieldCode, FieldError, Result},
    reply::Versioned,
};

use super::{api_keys::ApiKey, fields::UniqueVec};
use crate::{
    App,
    domain::api_key::{IpRange, Scope},
    error,
    events::ApiKeyCreated,
    permissions::ApiKeyCreate,
    store::{
        api_keys::{self, ApiKeyRow},
        roles,
    },
};

web::body! {
    /// An API key to create.
    pub struct CreateApiKey {
        /// The name of the key.
        pub name: SingleLine<1, 100>,
        /// The permissions of the key. The creator must have each of them for all resources.
        pub scopes: UniqueVec<Scope, 1, 100>,
        /// When the key expires. Must be in the future. Defaults to never.
        pub expires_at: Option<DateTime<Utc>>,
        /// The IP ranges from which the key can be used, in CIDR notation. Defaults to all addresses.
        pub ip_ranges: Option<UniqueVec<IpRange, 0, 50>>,
        /// The rate limit of the key. Defaults to the tenant's limit for keys, which it cannot exceed.
        pub requests_per_minute: Option<Int<1, 1_000_000>>,
    }
    example { "name": "Sheets export", "scopes": ["support.ticket.read"], "expires_at": "2027-11-20T10:00:00Z", "ip_ranges": ["203.0.113.0/24"] }
}

/// An API key with its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CreatedApiKey {
    /// The key without its secret.
    #[serde(flatten)]
    pub(crate) api_key: ApiKey,
    /// The key itself, returned only once. `null` if the response is repeated for the same `Idempotency-Key`.
    pub(crate) key: Option<String>,
}

impl Versioned for CreatedApiKey {
    fn version(&self) -> i32 {
        self.api_key.version
    }
}

/// Create an API key
///
/// Requires recent authentication. A key can only have permissions that its creator has, and never permissions that are
/// reserved for platform staff. The secret is returned only once.
#[utoipa::path(post, path = "/api-keys", responses((status = 201, description = "The key with its secret, which is returned only once.", body = CreatedApiKey)))]
pub(crate) async fn create_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyCreate>,
    body: Idempotent<CreateApiKey>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let now = unit.now();
    if body.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::field("/expires_at", error::in_the_past()));
    }
    let scopes: Vec<String> = body
        .scopes
        .0
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect();
    check_permissions_exist(&mut unit, &scopes).await?;
    check_caller_holds(&mut unit, &caller, &scopes).await?;
    let secret = ApiKeySecret::generate(unit.tenant(), ApiKeyId::at(now));
    let row = ApiKeyRow {
        id: secret.id,
        name: body.name.into_string(),
        scopes,
        ip_ranges: body
            .ip_ranges
            .map(|ranges| ranges.0.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        expires_at: body.expires_at,
        requests_per_minute: body.requests_per_minute.map(Int::get),
        previous_until: None,
        last_used_at: None,
        created_by_kind: caller.actor.kind,
        created_by_id: caller.actor.id,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    api_keys::insert_api_key(&mut unit, &row, &secret.hash()).await?;
    let event = ApiKeyCreated { api_key_id: row.id };
    unit.publish(row.version, event).await?;
    unit.audit(creation_entry(&row)).await?;
    let created = CreatedApiKey {
        api_key: row.into(),
        key: Some(secret.to_text()),
    };
    let without_secret = CreatedApiKey {
        key: None,
        ..created.clone()
    };
    let answer = Created {
        location: format!("{BASE}/api-keys/{}", secret.id),
        resource: created,
    };
    pending.created_secret(unit, answer, &without_secret).await
}

/// Checks that every scope is an existing permission.
async fn check_permissions_exist(tx: &mut TenantTx, scopes: &[String]) -> Result<()> {
    let known = roles::list_permissions(tx, scopes).await?;
    let unknown: Vec<FieldError> = scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| known.iter().all(|(name, _)| name != *scope))
        .map(|(index, _)| FieldError {
            pointer: format!("/scopes/{index}"),
            code: FieldCode::Rule(
                "unknown_permission",
                Localized {
                    de: "diese Berechtigung existiert nicht",
                    en: "unknown permission",
                },
            ),
        })
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(unknown))
    }
}

/// Checks that the caller has every scope for all resources. Extending or rotating a key grants its scopes as well.
pub(super) async fn check_caller_holds<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    scopes: &[String],
) -> Result<()> {
    let known = roles::list_permissions(tx, scopes).await?;
    let for_tenants = |scope: &String| {
        known
            .iter()
            .any(|(name, staff_only)| name == scope && !staff_only)
    };
    let missing: Vec<&str> = scopes
        .iter()
        .filter(|scope| {
            // A key of a tenant must not have permissions beyond that tenant, even if platform staff created it.
            !for_tenants(scope) || caller.grants.reach(scope) != Some(ReachKind::All)
        })
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(error::SCOPE_EXCEEDS_PERMISSIONS
        .problem()
        .argument("scopes", missing.join(", "))
        .member("scopes", json!(missing)))
}

/// The entry of the audit log about a new key.
fn creation_entry(row: &ApiKeyRow) -> audit::Entry {
    audit::Entry::new("tenancy.api_key.created", "api_key", row.id)
        .change("name", Value::Null, row.name.as_str())
        .change("scopes", Value::Null, json!(row.scopes))
        .change("ip_ranges", Value::Null, json!(row.ip_ranges))
        .change("expires_at", Value::Null, json!(row.expires_at))
        .change("requests_per_minute", Value::Null, row.requests_per_minute)
}
