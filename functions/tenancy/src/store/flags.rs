//! Feature flags, one row per flag.

use access::targeting::Condition;
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use serde_json::Value;
use sqlx::types::Json;

use crate::domain::flags::{Flag, FlagState};

/// Lists the stored flags. Flags that no longer exist are left out.
pub(crate) async fn list_flags(tx: &mut TenantTx) -> Result<Vec<FlagState>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select flag, enabled, rollout, expires_at, user_rollout, conditions as "conditions: Json<Vec<Condition>>"
        from tenancy.feature_flags
        where tenant_id = $1"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(FlagState {
                flag: Flag::parse(&row.flag)?,
                enabled: row.enabled,
                rollout: row.rollout,
                expires_at: row.expires_at,
                user_rollout: row.user_rollout,
                conditions: row.conditions.0,
            })
        })
        .collect())
}

/// Stores flags.
pub(crate) async fn upsert_flags(tx: &mut TenantTx, states: &[FlagState]) -> Result<()> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let flags: Vec<String> = states.iter().map(|state| state.flag.to_string()).collect();
    let enabled: Vec<bool> = states.iter().map(|state| state.enabled).collect();
    let rollouts: Vec<i16> = states.iter().map(|state| state.rollout).collect();
    let expiries: Vec<Option<DateTime<Utc>>> =
        states.iter().map(|state| state.expires_at).collect();
    let user_rollouts: Vec<i16> = states.iter().map(|state| state.user_rollout).collect();
    let conditions: Vec<Value> = states
        .iter()
        .map(|state| serde_json::to_value(&state.conditions).unwrap_or_default())
        .collect();
    sqlx::query!(
        "insert into tenancy.feature_flags (tenant_id, flag, enabled, rollout, expires_at, user_rollout, conditions, updated_at)
        select $1, n.flag, n.enabled, n.rollout, n.expires_at, n.user_rollout, n.conditions, $8
        from unnest($2::text[], $3::boolean[], $4::smallint[], $5::timestamptz[], $6::smallint[], $7::jsonb[])
            n (flag, enabled, rollout, expires_at, user_rollout, conditions)
        on conflict on constraint feature_flags_pkey do update
        set enabled = excluded.enabled, rollout = excluded.rollout,
            expires_at = excluded.expires_at, user_rollout = excluded.user_rollout,
            conditions = excluded.conditions, updated_at = excluded.updated_at",
        tenant as _,
        &flags,
        &enabled,
        &rollouts,
        &expiries as _,
        &user_rollouts,
        &conditions,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
