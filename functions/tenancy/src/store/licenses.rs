//! Licences. They are superseded, never edited.

use crate::ids::LicenseId;
use access::{
    list::{IdType, Order, Source},
    usage::Metric,
};
use chrono::{DateTime, Utc};
use db::{Result, TenantTx};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};

use crate::domain::{
    flags::Flag,
    license::{License, LicenseTerms, LimitValues},
    license_type::LicenseType,
};

/// A stored licence.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
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
            |names: Vec<String>| names.iter().filter_map(|name| Flag::parse(name)).collect();
        Self {
            id: row.id,
            terms: LicenseTerms {
                plan: row.plan,
                seats: row.seats,
                features: row.features.map(flags),
                limits: limits_of(row.limits.0),
                soft: row
                    .soft
                    .iter()
                    .filter_map(|name| Metric::parse(name))
                    .collect(),
            },
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            superseded_at: row.superseded_at,
            created_at: row.created_at,
        }
    }
}

/// Limits and static values; anything but whole numbers and texts is left out.
fn limits_of(stored: Map<String, Value>) -> LimitValues {
    stored
        .into_iter()
        .filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?)))
        .collect()
}

/// Limits and static values as JSON.
pub(crate) fn license_limits_json(limits: &LimitValues) -> Map<String, Value> {
    limits
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), serde_json::to_value(value).ok()?)))
        .collect()
}

/// Lists all past, current and upcoming licences.
pub(crate) async fn list_licenses(tx: &mut TenantTx) -> Result<Vec<License>> {
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

/// Licences.
pub(crate) const LICENSES: Source = Source {
    name: "licenses",
    columns: "l.license_id as id, l.plan, l.seats, l.features, l.limits, l.soft, l.valid_from, l.valid_to, l.superseded_at, l.created_at",
    from: "tenancy.licenses l",
    tenant: "l.tenant_id",
    id: "l.license_id",
    id_type: IdType::Uuid,
    changed_at: "coalesce(l.superseded_at, l.created_at)",
    version: "1",
    gone: "false",
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[],
    descending: true,
};

/// Inserts a licence. Those that it supersedes must have been updated before.
pub(crate) async fn insert_license(tx: &mut TenantTx, license: &License) -> Result<()> {
    let tenant = tx.tenant();
    let names = |flags: &Vec<Flag>| flags.iter().map(ToString::to_string).collect::<Vec<_>>();
    let features = license.terms.features.as_ref().map(names);
    let soft: Vec<String> = license.terms.soft.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into tenancy.licenses (
            tenant_id, license_id, plan, seats, features, limits, soft, valid_from, valid_to, created_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant as _,
        license.id as _,
        license.terms.plan.as_str(),
        license.terms.seats,
        features.as_deref(),
        Value::Object(license_limits_json(&license.terms.limits)),
        &soft,
        license.valid_from,
        license.valid_to,
        license.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores the new end of superseded licences.
pub(crate) async fn update_superseded_licenses(
    tx: &mut TenantTx,
    licenses: &[License],
) -> Result<()> {
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
