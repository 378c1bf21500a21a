//! Hourly rates of users.

use access::Reach;
use chrono::NaiveDate;
use db::{Result, TenantTx};
use ids::UserId;

use super::owner_filter;
use crate::domain::rates::HourlyRate;

/// Returns a user's rates, sorted by currency and period.
pub(crate) async fn list_rates(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
) -> Result<Vec<HourlyRate>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        HourlyRate,
        "select currency, amount_minor, valid_from, valid_to
        from identity.hourly_rates
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)
        order by currency, valid_from",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Replaces a user's rates. The caller has locked the user within reach.
pub(crate) async fn replace_rates(
    tx: &mut TenantTx,
    reach: Reach,
    user: UserId,
    rates: &[HourlyRate],
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from identity.hourly_rates
        where tenant_id = $1 and user_id = $2 and ($3::uuid is null or user_id = $3)",
        tenant as _,
        user as _,
        owner_filter(reach) as _,
    )
    .execute(tx.conn())
    .await?;
    let currencies: Vec<&str> = rates.iter().map(|rate| rate.currency.as_str()).collect();
    let amounts: Vec<i64> = rates.iter().map(|rate| rate.amount_minor).collect();
    let from: Vec<NaiveDate> = rates.iter().map(|rate| rate.valid_from).collect();
    let to: Vec<Option<NaiveDate>> = rates.iter().map(|rate| rate.valid_to).collect();
    sqlx::query!(
        "insert into identity.hourly_rates (tenant_id, user_id, currency, valid_from, valid_to, amount_minor)
        select $1, $2, r.currency, r.valid_from, r.valid_to, r.amount_minor
        from unnest($3::text[], $4::date[], $5::date[], $6::int8[]) r (currency, valid_from, valid_to, amount_minor)",
        tenant as _,
        user as _,
        &currencies as _,
        &from,
        &to as _,
        &amounts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
