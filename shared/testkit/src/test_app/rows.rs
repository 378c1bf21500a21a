//! Inserts the rows that provisioning and registration would create.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use ids::{Id, RoleId, SessionId, TenantId, UserId};
use sqlx::PgConnection;

use crate::Person;

/// Raises rate limits, so that tests are not rejected with 429 while the clock is fixed (`decisions.md` 18).
pub(super) async fn raise_rate_limits(admin: &mut PgConnection, tenant: TenantId) {
    let max = 1_000_000;
    sqlx::query("update access.tenants set limits = $2 where tenant_id = $1")
        .bind(tenant)
        .bind(serde_json::json!({
            "requests_per_minute_per_user": max,
            "requests_per_minute_per_key": max,
        }))
        .execute(admin)
        .await
        .unwrap();
}

pub(super) async fn insert_tenant(
    admin: &mut PgConnection,
    id: TenantId,
    slug: &str,
    features: &[&str],
    now: DateTime<Utc>,
) {
    let features = features.iter().map(|name| (*name, true));
    let features = serde_json::json!(features.collect::<BTreeMap<_, _>>());
    sqlx::query(
        "insert into access.tenants (tenant_id, slug, name, status, features, max_users, locale, time_zone, created_at, updated_at)
        values ($1, $2, $2, 'active', $3, 1000, 'en', 'Europe/Berlin', $4, $4)",
    )
    .bind(id)
    .bind(slug)
    .bind(features)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    raise_rate_limits(admin, id).await;
    sqlx::query(
        "insert into tenancy.tenants (tenant_id, slug, name, email, status, license_type, region, currency, locale, time_zone, max_users, created_at, updated_at)
        values ($1, $2, $2, $2 || '@example.org', 'active', 'standard', 'eu', 'EUR', 'en', 'Europe/Berlin', 1000, $3, $3)",
    )
    .bind(id)
    .bind(slug)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    for role in ["admin", "manager", "expert", "customer"] {
        sqlx::query(
            "insert into access.roles (tenant_id, role_id, name, base_role, built_in, permissions, created_at, updated_at)
            select $1, $2, $3, $3, true, jsonb_object_agg(permission, reach), $4, $4
            from access.builtin_grants where base_role = $3",
        )
        .bind(id)
        .bind(RoleId::at(now))
        .bind(role)
        .bind(now)
        .execute(&mut *admin)
        .await
        .unwrap();
    }
}

pub(super) async fn insert_person(
    admin: &mut PgConnection,
    tenant: TenantId,
    role: &str,
    email: &str,
    now: DateTime<Utc>,
) -> Person {
    let (id, session): (UserId, SessionId) = (Id::at(now), Id::at(now));
    let role_id: RoleId =
        sqlx::query_scalar("select role_id from access.roles where tenant_id = $1 and name = $2")
            .bind(tenant)
            .bind(role)
            .fetch_one(&mut *admin)
            .await
            .unwrap();
    let name = email.split('@').next().unwrap_or_default();
    sqlx::query(
        "insert into access.people (tenant_id, user_id, role_id, email, display_name, locale, time_zone, status, updated_at)
        values ($1, $2, $3, $4, $5, 'en', 'Europe/Berlin', 'active', $6)",
    )
    .bind(tenant)
    .bind(id)
    .bind(role_id)
    .bind(email)
    .bind(name)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    sqlx::query(
        "insert into identity.users (tenant_id, user_id, role_id, email, given_name, family_name, display_name, status, locale, time_zone, email_verified_at, created_at, updated_at)
        values ($1, $2, $3, $4, $5, 'Test', $5, 'active', 'en', 'Europe/Berlin', $6, $6, $6)",
    )
    .bind(tenant)
    .bind(id)
    .bind(role_id)
    .bind(email)
    .bind(name)
    .bind(now)
    .execute(&mut *admin)
    .await
    .unwrap();
    for table in ["access.sessions", "identity.sessions"] {
        let columns = if table == "access.sessions" {
            "amr"
        } else {
            "refresh_hash, rotated_at"
        };
        let values = if table == "access.sessions" {
            "'{pwd}'"
        } else {
            "sha256($2::text::bytea), $4"
        };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "insert into {table} (tenant_id, session_id, user_id, created_at, expires_at, {columns})
            values ($1, $2, $3, $4, $5, {values})"
        )))
        .bind(tenant)
        .bind(session)
        .bind(id)
        .bind(now)
        .bind(now + TimeDelta::days(30))
        .execute(&mut *admin)
        .await
        .unwrap();
    }
    Person {
        id,
        tenant,
        session,
        role_id,
        role: role.to_owned(),
        email: email.to_owned(),
    }
}
