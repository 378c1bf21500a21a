//! Making an API key: its scopes stay within what its maker may, its secret is shown once.

use access::{Attempt, Caller, Idempotent, Permission, ReachKind, api_key::ApiKeySecret, audit};
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::Announcement;
use ids::ApiKeyId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{
    Created, Line, Problem, Texts,
    body::Int,
    openapi::BASE,
    problem::{FieldCode, FieldError, Result},
    reply::Versioned,
};

use super::{api_keys::ApiKey, update_features::past};
use crate::{
    App,
    domain::{
        api_key::{IpRange, Scope},
        distinct::Distinct,
    },
    error,
    events::API_KEY_CREATED,
    permissions::ApiKeyCreate,
    store::{
        api_keys::{self, ApiKeyRow},
        roles,
    },
};

web::body! {
    /// A key to make.
    pub struct CreateApiKey {
        /// What it is for.
        pub name: Line<1, 100>,
        /// What it may do: permissions that its maker holds for all rows.
        pub scopes: Distinct<Scope, 1, 100>,
        /// Until when it is good, in the future; for ever unless named.
        pub expires_at: Option<DateTime<Utc>>,
        /// From where it may call, in CIDR notation; from anywhere unless named.
        pub ip_ranges: Option<Distinct<IpRange, 0, 50>>,
        /// Requests a minute; as many as the tenant's keys may have unless named, which is also the most.
        pub requests_per_minute: Option<Int<1, 1_000_000>>,
    }
    example { "name": "Sheets export", "scopes": ["support.ticket.read"], "expires_at": "2027-11-20T10:00:00Z", "ip_ranges": ["203.0.113.0/24"] }
}

/// A key that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedApiKey {
    /// All that stays readable of it.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key itself, shown this once: `null` when the answer is repeated for the same Idempotency-Key.
    pub key: Option<String>,
}

impl Versioned for CreatedApiKey {
    fn version(&self) -> i32 {
        self.api_key.version
    }
}

/// Makes a key. Nobody can give it more than they may themselves, and what only the platform's staff may is for no key.
/// Needs a recent proof.
#[utoipa::path(post, path = "/api-keys", responses((status = 201, description = "The key, with its secret this once.", body = CreatedApiKey)))]
pub async fn create_api_key(
    State(app): State<App>,
    caller: Caller<ApiKeyCreate>,
    body: Idempotent<CreateApiKey>,
) -> Result<Response> {
    let now = app.gate.clock().now();
    caller.check_recent_proof(now)?;
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    if body.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::field("/expires_at", past()));
    }
    let scopes: Vec<String> = body
        .scopes
        .0
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect();
    check_known(&mut tx, &scopes).await?;
    check_held(&mut tx, &caller, &scopes).await?;
    let secret = ApiKeySecret::generate(tx.tenant(), ApiKeyId::at(now));
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
    api_keys::insert(&mut tx, &row, &secret.hash()).await?;
    announce(&mut tx, &caller, &row).await?;
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
    pending.created_secret(tx, answer, &without_secret).await
}

/// Every scope exists.
async fn check_known(tx: &mut TenantTx, scopes: &[String]) -> Result<()> {
    let known = roles::permissions(tx, scopes).await?;
    let unknown: Vec<FieldError> = scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| known.iter().all(|(name, _)| name != *scope))
        .map(|(index, _)| FieldError {
            pointer: format!("/scopes/{index}"),
            code: FieldCode::Rule(
                "unknown_permission",
                Texts {
                    de: "diese Berechtigung gibt es nicht",
                    en: "there is no such permission",
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

/// The caller holds every scope for all rows: also whoever prolongs or rotates a key gives it what it may.
pub(super) async fn check_held<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    scopes: &[String],
) -> Result<()> {
    let known = roles::permissions(tx, scopes).await?;
    let for_tenants = |scope: &String| {
        known
            .iter()
            .any(|(name, staff_only)| name == scope && !staff_only)
    };
    let beyond: Vec<&str> = scopes
        .iter()
        .filter(|scope| {
            // A key outlives the visit of the staff that made it: what reaches beyond a tenant is never given to one.
            !for_tenants(scope) || caller.grants.reach(scope) != Some(ReachKind::All)
        })
        .map(String::as_str)
        .collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(error::SCOPE_EXCEEDS_PERMISSIONS
        .problem()
        .argument("scopes", beyond.join(", "))
        .member("scopes", json!(beyond)))
}

async fn announce(tx: &mut TenantTx, caller: &Caller<ApiKeyCreate>, row: &ApiKeyRow) -> Result<()> {
    let announcement = Announcement {
        kind: &API_KEY_CREATED,
        subject: format!("api_key/{}", row.id),
        version: row.version.into(),
        data: json!({"api_key_id": row.id}),
        sealed: None,
    };
    events::announce(tx, caller.request(), row.created_at, announcement).await?;
    let entry = audit::Entry::new("tenancy.api_key.created", "api_key", row.id)
        .change("name", Value::Null, row.name.as_str())
        .change("scopes", Value::Null, json!(row.scopes))
        .change("ip_ranges", Value::Null, json!(row.ip_ranges))
        .change("expires_at", Value::Null, json!(row.expires_at))
        .change("requests_per_minute", Value::Null, row.requests_per_minute);
    let reason = caller.reason.as_deref();
    audit::record(tx, caller.request(), row.created_at, reason, entry).await?;
    Ok(())
}
