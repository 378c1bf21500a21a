//! Licences: superseded, never edited.

use access::usage::Metric;
use chrono::{DateTime, Utc};
use db::{DbError, Result, TenantTx};
use ids::LicenseId;
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::domain::{
    flags::Flag,
    license::{Content, License, LicenseType},
};

struct Row {
    id: LicenseId,
    plan: LicenseType,
    seats: i32,
    features: Option<Vec<String>>,
    limits: Json<Map<String, Value>>,
    soft: Vec<String>,
    valid_from: DateTime<Utc>,
    valid_to: Option<DateTime<Utc>>,
    superseded_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for License {
    /// Contexts and metrics that no longer exist are left out.
    fn from(row: Row) -> Self {
        let flags =
            |words: Vec<String>| words.iter().filter_map(|word| Flag::parse(word)).collect();
        Self {
            id: row.id,
            content: Content {
                plan: row.plan,
                seats: row.seats,
                features: row.features.map(flags),
                limits: row.limits.0,
                soft: row
                    .soft
                    .iter()
                    .filter_map(|word| Metric::parse(word))
                    .collect(),
            },
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            superseded_at: row.superseded_at,
            created_at: row.created_at,
        }
    }
}

/// Every licence that the tenant ever had or is to have.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<License>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select
            license_id as "id: LicenseId", plan as "plan: LicenseType", seats, features,
            limits as "limits: Json<Map<String, Value>>", soft, valid_from, valid_to, superseded_at, created_at
        from tenancy.licenses
        where tenant_id = $1
        order by valid_from, license_id"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(License::from).collect())
}

/// The same a page at a time, the one agreed last first, behind `after`.
pub async fn page(tx: &mut TenantTx, after: Option<LicenseId>, rows: i64) -> Result<Vec<License>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select
            license_id as "id: LicenseId", plan as "plan: LicenseType", seats, features,
            limits as "limits: Json<Map<String, Value>>", soft, valid_from, valid_to, superseded_at, created_at
        from tenancy.licenses
        where tenant_id = $1 and ($2::uuid is null or license_id < $2)
        order by license_id desc
        limit $3"#,
        tenant as _,
        after as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await
    .map_err(DbError::from)?;
    Ok(rows.into_iter().map(License::from).collect())
}

/// Stores a new one. Those whose place it takes have given way before.
pub async fn insert(tx: &mut TenantTx, license: &License) -> Result<()> {
    let tenant = tx.tenant();
    let words = |flags: &Vec<Flag>| flags.iter().map(ToString::to_string).collect::<Vec<_>>();
    let features = license.content.features.as_ref().map(words);
    let soft: Vec<String> = license
        .content
        .soft
        .iter()
        .map(ToString::to_string)
        .collect();
    sqlx::query!(
        "insert into tenancy.licenses (
            tenant_id, license_id, plan, seats, features, limits, soft, valid_from, valid_to, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        license.id as _,
        license.content.plan.as_str(),
        license.content.seats,
        features.as_deref(),
        Value::Object(license.content.limits.clone()),
        &soft,
        license.valid_from,
        license.valid_to,
        license.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends those that gave way where they end now.
pub async fn give_way(tx: &mut TenantTx, licenses: &[License]) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<LicenseId> = licenses.iter().map(|license| license.id).collect();
    let ends: Vec<Option<DateTime<Utc>>> =
        licenses.iter().map(|license| license.valid_to).collect();
    let times: Vec<Option<DateTime<Utc>>> = licenses
        .iter()
        .map(|license| license.superseded_at)
        .collect();
    sqlx::query!(
        "update tenancy.licenses l
        set valid_to = n.valid_to, superseded_at = n.superseded_at
        from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) n (license_id, valid_to, superseded_at)
        where l.tenant_id = $1 and l.license_id = n.license_id",
        tenant as _,
        &ids as _,
        &ends as _,
        &times as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
