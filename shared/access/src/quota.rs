//! Quotas: how much of a metric may still be taken. Exact, because whoever takes writes the counter in the moment of taking.

use chrono::{DateTime, Utc};
use db::{Actor, Db, Result, TenantTx};
use http::header;
use ids::{EventId, TenantId};
use web::Problem;

use crate::{
    Tenant, problems,
    usage::{self, Allowance, Metric, UsageRecord},
};

/// Requests that a process takes at once, far from the limit. So many may be forgotten when it ends.
const BLOCK: i64 = 100;
/// Near the limit it takes no more than a tenth of what is left, so that little lies unused at one process while another is
/// refused.
const SHARE: i64 = 10;

/// Takes `amount` (0 or more) of the tenant's quota in the caller's transaction, or refuses with `429` and takes nothing. What
/// is taken together with the row lock of the counter is never more than the limit, however many take at once.
///
/// Nothing is counted where nothing was agreed; a soft limit counts and never refuses.
pub async fn reserve(
    tx: &mut TenantTx,
    tenant: &Tenant,
    metric: Metric,
    amount: i64,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let Some(allowance) = tenant.allowance(metric) else {
        return Ok(());
    };
    let limit = bound(allowance);
    let amount = amount.max(0);
    if amount <= limit && take(tx, metric, amount, limit, now).await? {
        Ok(())
    } else {
        Err(exceeded(metric, allowance.limit, now))
    }
}

/// Gives back what was reserved and not used, or is there no longer.
pub async fn release(
    tx: &mut TenantTx,
    metric: Metric,
    amount: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update access.quota_counters
        set used = greatest(used - $4, 0), updated_at = $5
        where tenant_id = $1 and metric = $2 and period = $3",
        tenant as _,
        metric.as_str(),
        metric.period(now),
        amount.max(0),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn take(
    tx: &mut TenantTx,
    metric: Metric,
    amount: i64,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let taken = sqlx::query!(
        "insert into access.quota_counters as c (tenant_id, metric, period, used, updated_at)
        values ($1, $2, $3, $4, $5)
        on conflict on constraint quota_counters_pkey do update
        set used = c.used + excluded.used, updated_at = excluded.updated_at
        where c.used <= $6 - excluded.used",
        tenant as _,
        metric.as_str(),
        metric.period(now),
        amount,
        now,
        limit,
    )
    .execute(tx.conn())
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Takes a block of requests for this process, and tells that they are used: smaller near the limit, empty at it.
pub(crate) async fn lease(
    db: &Db,
    tenant: TenantId,
    allowance: Allowance,
    now: DateTime<Utc>,
) -> Result<u32> {
    let metric = Metric::ApiRequests;
    let period = metric.period(now);
    let mut tx = db.begin(tenant, Actor::SYSTEM).await?;
    // Makes the row and locks it: the other processes wait for this block.
    let used = sqlx::query_scalar!(
        "insert into access.quota_counters as c (tenant_id, metric, period, used, updated_at)
        values ($1, $2, $3, 0, $4)
        on conflict on constraint quota_counters_pkey do update
        set updated_at = excluded.updated_at
        returning used",
        tenant as _,
        metric.as_str(),
        period,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    let left = bound(allowance).saturating_sub(used).max(0);
    let block = (left / SHARE).clamp(left.min(1), BLOCK);
    if block > 0 {
        sqlx::query!(
            "update access.quota_counters
            set used = used + $4
            where tenant_id = $1 and metric = $2 and period = $3",
            tenant as _,
            metric.as_str(),
            period,
            block,
        )
        .execute(tx.conn())
        .await?;
        let told = UsageRecord {
            metric,
            quantity: block,
            source: "access",
            source_id: &EventId::at(now).to_string(),
            subject: None,
            at: now,
        };
        usage::record(&mut tx, told).await?;
    }
    tx.commit().await?;
    let became = if block > 0 { "granted" } else { "refused" };
    metrics::counter!("quota_leases_total", "became" => became).increment(1);
    Ok(u32::try_from(block).unwrap_or_default())
}

/// What may be taken: of a soft limit anything.
fn bound(allowance: Allowance) -> i64 {
    if allowance.hard {
        allowance.limit
    } else {
        i64::MAX
    }
}

/// `429`: with the end of the month, when there is one to wait for.
pub fn exceeded(metric: Metric, limit: i64, now: DateTime<Utc>) -> Problem {
    let problem = problems::QUOTA_EXCEEDED
        .problem()
        .argument("metric", metric)
        .argument("limit", limit)
        .member("metric", metric.as_str())
        .member("limit", limit);
    if metric.is_level() {
        return problem.member("period_end", serde_json::Value::Null);
    }
    let end = usage::end_of_month(usage::month_of(now));
    problem
        .member(
            "period_end",
            end.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        )
        .header(header::RETRY_AFTER, (end - now).num_seconds().max(1))
}
