//! `access.tenants`: what every function must know about a tenant, written in the transaction of each change.

use access::{Entitlements, directory::SOFT_LIMITS};
use chrono::SecondsFormat;
use db::{Result, TenantTx};
use serde_json::{Map, Value};

use super::{licenses::license_limits_json, tenants::TenantRow};
use crate::domain::{
    flags::FlagProjection,
    projection::{Allowances, Features, Projection},
};

/// Inserts a tenant. Its features and limits follow with [`update_entitlements`].
pub(crate) async fn insert_tenant(
    tx: &mut TenantTx,
    row: &TenantRow,
    settings: Value,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into access.tenants (
            tenant_id, slug, name, status, settings,
            max_users, locale, time_zone, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        row.slug,
        row.name,
        row.status.as_str(),
        settings,
        row.max_users,
        row.locale,
        row.time_zone,
        row.created_at,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates master data.
pub(crate) async fn update_tenant(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set name = $2, locale = $3, time_zone = $4,
            settings = jsonb_set(settings, '{locale}', to_jsonb($3::text)), updated_at = $5
        where tenant_id = $1",
        tenant as _,
        row.name,
        row.locale,
        row.time_zone,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Updates the status. All processes see it within 15 seconds.
pub(crate) async fn update_status(tx: &mut TenantTx, row: &TenantRow) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set status = $2, updated_at = $3
        where tenant_id = $1",
        tenant as _,
        row.status.as_str(),
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds the settings that every function reads.
pub(crate) async fn find_settings(tx: &mut TenantTx) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select settings
        from access.tenants
        where tenant_id = $1",
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores the complete settings in force.
pub(crate) async fn update_settings(
    tx: &mut TenantTx,
    row: &TenantRow,
    settings: Value,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.tenants
        set settings = $2, locale = $3, updated_at = $4
        where tenant_id = $1",
        tenant as _,
        settings,
        row.locale,
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores what licence and flags allow, now and later.
pub(crate) async fn update_entitlements(
    tx: &mut TenantTx,
    row: &TenantRow,
    projection: Projection,
) -> Result<()> {
    let tenant = tx.tenant();
    let max_users = projection.allowances.as_ref().map(|allowed| allowed.seats);
    let limits = projection.allowances.map(limits_json);
    let upcoming: Vec<Entitlements> = projection
        .upcoming
        .into_iter()
        .map(|period| Entitlements {
            from: period.from,
            features: features_json(period.features),
            max_users: period.allowances.seats,
            limits: limits_json(period.allowances),
        })
        .collect();
    sqlx::query!(
        "update access.tenants
        set features = $2, limits = coalesce($3, limits), max_users = coalesce($4, max_users),
            upcoming = $5, updated_at = $6
        where tenant_id = $1",
        tenant as _,
        Value::Object(features_json(projection.features)),
        limits.map(Value::Object),
        max_users,
        serde_json::to_value(upcoming).unwrap_or_default(),
        row.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// `false`, `true`, the time until which the flag is on, or a targeting rule.
fn features_json(features: Features) -> Map<String, Value> {
    let json = |projection| match projection {
        FlagProjection::Off => Value::Bool(false),
        FlagProjection::On => Value::Bool(true),
        FlagProjection::OnUntil(end) => {
            Value::String(end.to_rfc3339_opts(SecondsFormat::Micros, true))
        }
        FlagProjection::OnFor(rule) => serde_json::to_value(rule).unwrap_or(Value::Bool(false)),
    };
    features
        .into_iter()
        .map(|(flag, projection)| (flag.to_string(), json(projection)))
        .collect()
}

/// Limits by name; the names of those that only warn are under a key of their own.
fn limits_json(allowed: Allowances) -> Map<String, Value> {
    let mut limits = license_limits_json(&allowed.limits);
    if !allowed.soft.is_empty() {
        let names = allowed.soft.iter().map(|metric| metric.limit_name());
        limits.insert(SOFT_LIMITS.to_owned(), names.collect());
    }
    limits
}

#[cfg(test)]
mod tests {
    use access::{
        targeting::{Attribute, Condition, Operator, TargetingRule},
        usage::Metric,
    };
    use serde_json::json;

    use super::*;
    use crate::domain::{flags::Flag, license::LimitValue};

    #[test]
    fn each_kind_of_flag_has_its_json() {
        let end = "2026-11-20T10:00:00Z".parse().unwrap();
        let rule = TargetingRule {
            until: None,
            rollout: 20,
            conditions: vec![Condition {
                attribute: Attribute::Role,
                operator: Operator::In,
                values: vec!["admin".to_owned()],
            }],
        };
        let flag = |name| Flag::parse(name).unwrap();
        let features = Features::from([
            (flag("support"), FlagProjection::On),
            (flag("files"), FlagProjection::Off),
            (flag("ai"), FlagProjection::OnUntil(end)),
            (flag("billing"), FlagProjection::OnFor(rule)),
        ]);
        assert_eq!(
            Value::Object(features_json(features)),
            json!({
                "support": true,
                "files": false,
                "ai": "2026-11-20T10:00:00.000000Z",
                "billing": {"rollout": 20, "conditions": [{"attribute": "role", "operator": "in", "values": ["admin"]}]},
            })
        );
    }

    #[test]
    fn soft_limits_are_named_beside_the_limits() {
        let limits = [
            ("storage_bytes".to_owned(), LimitValue::Number(5)),
            (
                "support_level".to_owned(),
                LimitValue::Text("gold".to_owned()),
            ),
        ];
        let mut allowed = Allowances {
            limits: limits.into(),
            soft: Vec::new(),
            seats: 5,
        };
        let without = json!({"storage_bytes": 5, "support_level": "gold"});
        assert_eq!(Value::Object(limits_json(allowed.clone())), without);
        allowed.soft = vec![Metric::parse("storage_bytes").unwrap()];
        assert_eq!(limits_json(allowed)[SOFT_LIMITS], json!(["storage_bytes"]));
    }
}
