//! What every function must know of tenants, sessions, roles and keys, read from the schema `access`.

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
    token::RETIRED_FOR,
    usage::{Allowance, Metric},
};

web::text_enum! {
    /// Where a tenant stands in its life.
    pub enum TenantStatus {
        /// Trying it out.
        Trial = "trial",
        /// Paying.
        Active = "active",
        /// Owing: works, and is warned.
        PastDue = "past_due",
        /// Reads only.
        Suspended = "suspended",
        /// Reads and exports only, for 30 days; of its people only admins sign in.
        Closing = "closing",
        /// Gone: every credential is refused.
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
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: TenantStatus,
    /// Feature flags: on, off, or an [`TargetingRule`].
    pub features: Map<String, Value>,
    /// Settings in force, defaults filled in.
    pub settings: Map<String, Value>,
    /// What its licence in force allows.
    pub limits: Map<String, Value>,
    /// How many people its licence seats.
    pub max_users: i32,
    /// Its locale, such as `de`.
    pub locale: String,
    /// Its IANA time zone.
    pub time_zone: String,
}

/// What holds by licence and flags from a time on, as tenancy mirrors it before that time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlements {
    /// From when.
    pub from: DateTime<Utc>,
    /// The features, as in [`Tenant::features`].
    pub features: Map<String, Value>,
    /// The limits, as in [`Tenant::limits`].
    pub limits: Map<String, Value>,
    /// The seats.
    pub max_users: i32,
}

/// The key under which the limits name those that only warn.
pub const SOFT_LIMITS: &str = "soft_limits";

impl Tenant {
    /// Whether the flag is on, if only for some of its people. An unknown flag is off. Of a caller ask
    /// [`Principal::has`](crate::Principal::has).
    pub fn has(&self, feature: &str) -> bool {
        match self.features.get(feature) {
            Some(Value::Bool(on)) => *on,
            Some(mirrored) => {
                TargetingRule::of(mirrored).is_some_and(|audience| audience.rollout > 0)
            }
            None => false,
        }
    }

    /// How much of a metric its licence allows; `None` when nothing is agreed, and then nothing is counted.
    pub fn allowance(&self, metric: Metric) -> Option<Allowance> {
        let name = metric.limit_name();
        let limit = self.limits.get(name)?.as_i64()?;
        let soft = self.limits.get(SOFT_LIMITS).and_then(Value::as_array);
        let hard = !soft.is_some_and(|soft| soft.iter().any(|softened| softened == name));
        Some(Allowance { limit, hard })
    }

    /// How much of something its licence allows, if that is agreed.
    pub fn limit(&self, name: &str) -> Option<u32> {
        self.limits.get(name)?.as_u64()?.try_into().ok()
    }

    /// The same tenant as it is at `now`: by the newest terms that have begun, and with flags that are on until a time
    /// either on or off.
    fn at(mut self, upcoming: Vec<Entitlements>, now: DateTime<Utc>) -> Self {
        let begun = upcoming.into_iter().filter(|terms| terms.from <= now);
        if let Some(terms) = begun.max_by_key(|terms| terms.from) {
            self.features = terms.features;
            self.limits = terms.limits;
            self.max_users = terms.max_users;
        }
        for value in self.features.values_mut() {
            if let Some(end) = value.as_str() {
                let on = DateTime::parse_from_rfc3339(end).is_ok_and(|end| end > now);
                *value = Value::Bool(on);
            } else if TargetingRule::of(value)
                .is_some_and(|audience| audience.until.is_some_and(|end| end <= now))
            {
                *value = Value::Bool(false);
            }
        }
        self
    }

    /// Whether it can read and not change.
    pub fn is_frozen(&self) -> bool {
        matches!(
            self.status,
            TenantStatus::Suspended | TenantStatus::Closing | TenantStatus::Closed
        )
    }

    /// The language in which the tenant is answered by default.
    pub fn language(&self) -> Language {
        Language::of_locale(&self.locale).unwrap_or_default()
    }
}

/// A session with the person and the role behind it.
#[derive(Clone, Debug)]
pub struct StoredSession {
    /// Whose session.
    pub user: UserId,
    /// The person's role.
    pub role_id: RoleId,
    /// Its name.
    pub role: String,
    /// The built-in role that it is built on.
    pub base_role: String,
    /// What it may do.
    pub grants: Grants,
    /// How the person proved who they are.
    pub amr: Vec<String>,
    /// When they last did.
    pub proved_at: DateTime<Utc>,
    /// Whether the person has a second factor.
    pub second_factor: bool,
    /// The person's locale.
    pub locale: String,
    /// Whether the person may still act.
    pub active: bool,
    /// When the session ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who really acts in it, if not the person.
    pub acting: Option<Actor>,
}

/// A key of a tenant.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From where; empty means anywhere.
    pub ip_ranges: Vec<String>,
    /// Until when.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// SHA-256 of the secret before the last rotation.
    pub previous_secret_hash: Option<Vec<u8>>,
    /// Until when that one is good, too.
    pub previous_until: Option<DateTime<Utc>>,
    /// Requests a minute, where fewer than the tenant's keys may have.
    pub requests_per_minute: Option<i32>,
}

impl StoredKey {
    /// Whether this is the hash of its secret, or of the one before while that is still good.
    pub(crate) fn is_secret(&self, hash: &[u8], now: DateTime<Utc>) -> bool {
        let current = opaque::constant_time_eq(&self.secret_hash, hash);
        let previous = match (&self.previous_secret_hash, self.previous_until) {
            (Some(stored), Some(until)) => until > now && opaque::constant_time_eq(stored, hash),
            _ => false,
        };
        current || previous
    }
}

/// Reads a tenant as it is at `now`.
pub async fn find_tenant(db: &Db, tenant: TenantId, now: DateTime<Utc>) -> Result<Option<Tenant>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM).await?;
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

/// Reads a session with the person and the role behind it.
pub async fn find_session(
    db: &Db,
    tenant: TenantId,
    session: SessionId,
) -> Result<Option<StoredSession>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM).await?;
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

/// Reads a key.
pub async fn find_key(db: &Db, tenant: TenantId, key: ApiKeyId) -> Result<Option<StoredKey>> {
    let mut tx = db.begin_read_only(tenant, Actor::SYSTEM).await?;
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

/// Notes that a key was used, at most once a minute.
pub async fn update_last_used(
    db: &Db,
    tenant: TenantId,
    key: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut tx = db.begin(tenant, Actor::SYSTEM).await?;
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

/// The public halves of the keys that a token may be signed with at `now`, by key id.
pub async fn list_signing_keys(db: &Db, now: DateTime<Utc>) -> Result<Vec<(String, Vec<u8>)>> {
    let mut tx = db.begin_unscoped().await?;
    let rows = sqlx::query!(
        "select key_id, public_key
        from access.signing_keys
        where retired_at is null or retired_at > $1",
        now - RETIRED_FOR,
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.key_id, row.public_key))
        .collect())
}

/// The tenants for whom anything is still done, for jobs that visit one after the other: a suspended one waits, and of one
/// that is closing or closed nothing is touched.
pub async fn list_working_tenants(db: &Db) -> Result<Vec<TenantId>> {
    let mut tx = db.begin_unscoped().await?;
    let ids = sqlx::query_scalar!(r#"select access.working_tenants() as "id!: TenantId""#)
        .fetch_all(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(ids)
}

/// The tenant with this slug.
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

/// The tenant to which this web origin belongs.
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
