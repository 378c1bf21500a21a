//! Directory of tenants, sessions, roles and keys, read from the schema `access`.

use chrono::{DateTime, Utc};
use db::{Actor, ActorKind, Db, Result};
use ids::{ApiKeyId, RoleId, SessionId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::types::Json;
use web::Language;

use crate::{
    Grants, opaque,
    targeting::TargetingRule,
    token::RETIREMENT_PERIOD,
    usage::{Allowance, Metric},
};

web::text_enum! {
    /// Status of a tenant.
    pub enum TenantStatus {
        /// On trial.
        Trial = "trial",
        /// Active.
        Active = "active",
        /// Payment overdue; still works.
        PastDue = "past_due",
        /// Read-only.
        Suspended = "suspended",
        /// Read and export only, for 30 days; only admins can sign in.
        Closing = "closing",
        /// Closed; all credentials are rejected.
        Closed = "closed",
    }
}

/// A tenant as every function sees it.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// The name.
    pub name: String,
    /// Its status.
    pub status: TenantStatus,
    /// Feature flags: on, off, or a [`TargetingRule`].
    pub features: Map<String, Value>,
    /// Effective settings, including defaults.
    pub settings: Map<String, Value>,
    /// Limits of the current licence.
    pub limits: Map<String, Value>,
    /// Number of seats of the current licence.
    pub max_users: i32,
    /// Its locale, such as `de`.
    pub locale: String,
    /// Its IANA time zone.
    pub time_zone: String,
}

/// Features, limits and seats from a point in time, as projected by tenancy in advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlements {
    /// When they take effect.
    pub from: DateTime<Utc>,
    /// The features, as in [`Tenant::features`].
    pub features: Map<String, Value>,
    /// The limits, as in [`Tenant::limits`].
    pub limits: Map<String, Value>,
    /// The seats.
    pub max_users: i32,
}

/// Key in the limits that lists the soft ones.
pub const SOFT_LIMITS: &str = "soft_limits";

impl Tenant {
    /// Whether the feature is enabled for at least some of its people. Unknown features are disabled. For a caller use
    /// [`Principal::has`](crate::Principal::has).
    pub fn has(&self, feature: &str) -> bool {
        match self.features.get(feature) {
            Some(Value::Bool(on)) => *on,
            Some(projected) => {
                TargetingRule::from_projection(projected).is_some_and(|rule| rule.rollout > 0)
            }
            None => false,
        }
    }

    /// The licence's allowance of a metric; `None` if there is none, in which case nothing is metered.
    pub fn allowance(&self, metric: Metric) -> Option<Allowance> {
        let name = metric.limit_name();
        let limit = self.limits.get(name)?.as_i64()?;
        let soft = self.limits.get(SOFT_LIMITS).and_then(Value::as_array);
        let hard = !soft.is_some_and(|soft| soft.iter().any(|softened| softened == name));
        Some(Allowance { limit, hard })
    }

    /// A limit of the licence, if there is one.
    pub fn limit(&self, name: &str) -> Option<u32> {
        self.limits.get(name)?.as_u64()?.try_into().ok()
    }

    /// The tenant as of `now`: applies the latest entitlements in effect, and resolves flags with an end time.
    fn at(mut self, upcoming: Vec<Entitlements>, now: DateTime<Utc>) -> Self {
        let effective = upcoming.into_iter().filter(|change| change.from <= now);
        if let Some(latest) = effective.max_by_key(|change| change.from) {
            self.features = latest.features;
            self.limits = latest.limits;
            self.max_users = latest.max_users;
        }
        for value in self.features.values_mut() {
            if let Some(end) = value.as_str() {
                let on = DateTime::parse_from_rfc3339(end).is_ok_and(|end| end > now);
                *value = Value::Bool(on);
            } else if TargetingRule::from_projection(value)
                .is_some_and(|rule| rule.until.is_some_and(|end| end <= now))
            {
                *value = Value::Bool(false);
            }
        }
        self
    }

    /// Whether the tenant is read-only.
    pub fn is_frozen(&self) -> bool {
        matches!(
            self.status,
            TenantStatus::Suspended | TenantStatus::Closing | TenantStatus::Closed
        )
    }

    /// The tenant's default language.
    pub fn language(&self) -> Language {
        Language::of_locale(&self.locale).unwrap_or_default()
    }
}

/// A session with the person and the role behind it.
#[derive(Clone, Debug)]
pub struct StoredSession {
    /// The user.
    pub user: UserId,
    /// The user's role.
    pub role_id: RoleId,
    /// The name.
    pub role: String,
    /// The built-in role that the role is based on.
    pub base_role: String,
    /// The scopes.
    pub grants: Grants,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// When the user last authenticated.
    pub proved_at: DateTime<Utc>,
    /// Whether the user has a second factor.
    pub second_factor: bool,
    /// The user's locale.
    pub locale: String,
    /// Whether the user is active.
    pub active: bool,
    /// When the session expires.
    pub expires_at: DateTime<Utc>,
    /// When the session was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The impersonator, if any.
    pub acting: Option<Actor>,
}

/// A key of a tenant.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// Allowed IP ranges; empty means any.
    pub ip_ranges: Vec<String>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// SHA-256 of the secret before the last rotation.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// Until when the previous secret is accepted.
    pub previous_until: Option<DateTime<Utc>>,
    /// The key's own limit of requests per minute.
    pub requests_per_minute: Option<i32>,
}

impl StoredKey {
    /// Whether this is the hash of the current secret, or of the previous one while that is still accepted.
    pub(crate) fn is_secret(&self, hash: &[u8], now: DateTime<Utc>) -> bool {
        let current = opaque::constant_time_eq(&self.secret_hash, hash);
        let previous = match (&self.previous_secret_hash, self.previous_until) {
            (Some(stored), Some(until)) => until > now && opaque::constant_time_eq(stored, hash),
            _ => false,
        };
        current || previous
    }
}

/// Finds a tenant as of `now`.
pub async fn find_tenant(db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<Option<Tenant>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM, now).await?;
    let row = sqlx::query!(
        r#"select
            tenant_id as "id: TenantId", slug, name, status as "status: TenantStatus",
            features as "features: Json<Map<String, Value>>", settings as "settings: Json<Map<String, Value>>",
            limits as "limits: Json<Map<String, Value>>", upcoming as "upcoming: Json<Vec<Entitlements>>",
            max_users, locale, time_zone
        from access.tenants
        where tenant_id = $1"#,
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| {
        let tenant = Tenant {
            id: row.id,
            slug: row.slug,
            name: row.name,
            status: row.status,
            features: row.features.0,
            settings: row.settings.0,
            limits: row.limits.0,
            max_users: row.max_users,
            locale: row.locale,
            time_zone: row.time_zone,
        };
        tenant.at(row.upcoming.0, now)
    }))
}

/// Finds a session with its user and role.
pub async fn find_session(
    db: &Db,
    tenant: TenantId,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Option<StoredSession>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM, now).await?;
    let row = sqlx::query!(
        r#"select
            s.user_id as "user_id: UserId", s.amr, coalesce(s.proved_at, s.created_at) as "proved_at!", s.expires_at, s.revoked_at,
            s.acting_kind as "acting_kind: ActorKind", s.acting_id,
            p.status as person_status, p.locale, p.second_factor,
            r.role_id as "role_id: RoleId", r.name as role, r.base_role, r.permissions as "grants: Json<Grants>"
        from access.sessions s
        join access.people p on p.tenant_id = s.tenant_id and p.user_id = s.user_id
        join access.roles r on r.tenant_id = p.tenant_id and r.role_id = p.role_id
        where s.tenant_id = $1 and s.session_id = $2"#,
        tenant as _,
        session as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| StoredSession {
        user: row.user_id,
        role_id: row.role_id,
        role: row.role,
        base_role: row.base_role,
        grants: row.grants.0,
        amr: row.amr,
        proved_at: row.proved_at,
        second_factor: row.second_factor,
        locale: row.locale,
        active: row.person_status == "active",
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        acting: row.acting_kind.map(|kind| Actor {
            kind,
            id: row.acting_id,
        }),
    }))
}

/// Finds an API key.
pub async fn find_key(
    db: &Db,
    tenant: TenantId,
    key: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<Option<StoredKey>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM, now).await?;
    let row = sqlx::query_as!(
        StoredKey,
        "select secret_hash, scopes, ip_ranges, expires_at, revoked_at,
            previous_secret_hash, previous_until, requests_per_minute
        from access.api_keys
        where tenant_id = $1 and api_key_id = $2",
        tenant as _,
        key as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// Updates when a key was last used, at most once a minute.
pub async fn update_last_used(
    db: &Db,
    tenant: TenantId,
    key: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut tx = db.begin(tenant, Actor::SYSTEM, now).await?;
    sqlx::query!(
        "update access.api_keys
        set last_used_at = $3::timestamptz
        where tenant_id = $1 and api_key_id = $2
            and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')",
        tenant as _,
        key as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Lists the public keys that verify tokens at `now`, with their key ids.
pub async fn list_signing_keys(db: &Db, now: DateTime<Utc>) -> Result<Vec<(String, Vec<u8>)>> {
    let mut tx = db.begin_unscoped().await?;
    let rows = sqlx::query!(
        "select key_id, public_key
        from access.signing_keys
        where retired_at is null or retired_at > $1",
        now - RETIREMENT_PERIOD,
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.key_id, row.public_key))
        .collect())
}

/// Lists the tenants that jobs process. Suspended, closing and closed tenants are skipped.
pub async fn list_working_tenants(db: &Db) -> Result<Vec<TenantId>> {
    let mut tx = db.begin_unscoped().await?;
    let ids = sqlx::query_scalar!(r#"select access.working_tenants() as "id!: TenantId""#)
        .fetch_all(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(ids)
}

/// Finds the tenant with this slug.
pub async fn find_tenant_by_slug(db: &Db, slug: &str) -> Result<Option<TenantId>> {
    let mut tx = db.begin_unscoped().await?;
    let id = sqlx::query_scalar!(
        r#"select access.tenant_by_slug($1) as "id: TenantId""#,
        slug
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Finds the tenant that owns this web origin.
pub async fn find_tenant_by_origin(db: &Db, origin: &str) -> Result<Option<TenantId>> {
    let mut tx = db.begin_unscoped().await?;
    let id = sqlx::query_scalar!(
        r#"select access.tenant_by_origin($1) as "id: TenantId""#,
        origin
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(id)
}
