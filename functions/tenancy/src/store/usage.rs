//! Usage: raw events, and the counters that are sums of them.

use access::usage::Metric;
use chrono::{DateTime, NaiveDate, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::TenantId;

use crate::domain::usage::{UsageEvent, UsageTotals};

/// The prefix for sources outside the platform, so that none of them can pass for one of the functions.
const EXTERNAL_SOURCE_PREFIX: &str = "external:";

/// Inserts events and returns how many of them were new.
pub(crate) async fn insert_events(tx: &mut TenantTx, events: &[UsageEvent]) -> Result<u64> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let sources: Vec<String> = events
        .iter()
        .map(|event| format!("{EXTERNAL_SOURCE_PREFIX}{}", event.source.as_str()))
        .collect();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let metrics: Vec<&str> = events.iter().map(|event| event.metric.as_str()).collect();
    let quantities: Vec<i64> = events.iter().map(|event| event.quantity).collect();
    let subjects: Vec<Option<&str>> = events
        .iter()
        .map(|event| event.subject.as_ref().map(web::SingleLine::as_str))
        .collect();
    let times: Vec<DateTime<Utc>> = events
        .iter()
        .map(|event| event.time.unwrap_or(now))
        .collect();
    let inserted = sqlx::query!(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, subject, occurred_at)
        select $1, n.source, n.source_id, n.metric, n.quantity, n.subject, n.occurred_at
        from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
            n (source, source_id, metric, quantity, subject, occurred_at)
        on conflict do nothing",
        tenant as _,
        &sources as _,
        &ids as _,
        &metrics as _,
        &quantities,
        &subjects as _,
        &times,
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected())
}

/// Serialises counting in this tenant until the end of the transaction.
pub(crate) async fn lock_counters(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('tenancy.usage ' || $1::uuid::text, 0))",
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds up to `max` events to the counters of their months and returns how many. Requires [`lock_counters`].
pub(crate) async fn count_events(tx: &mut TenantTx, max: i64) -> Result<i64> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_scalar!(
        r#"with taken as (
            select e.source, e.source_id
            from access.usage_events e
            where e.tenant_id = $1 and e.counted_at is null
            order by e.occurred_at
            limit $2
        ),
        counted as (
            update access.usage_events e
            set counted_at = $3
            from taken t
            where e.tenant_id = $1 and e.source = t.source and e.source_id = t.source_id and e.counted_at is null
            returning e.metric, date_trunc('month', e.occurred_at at time zone 'UTC')::date as month, e.quantity
        ),
        added as (
            insert into tenancy.usage_counters as c (tenant_id, metric, month, used, updated_at)
            select $1, n.metric, n.month, sum(n.quantity)::bigint, $3
            from counted n
            group by n.metric, n.month
            on conflict on constraint usage_counters_pkey do update
            set used = c.used + excluded.used, updated_at = excluded.updated_at
        )
        select count(*) as "count!"
        from counted"#,
        tenant as _,
        max,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Corrects the counters that differ from the sum of their events and returns how many. Requires [`lock_counters`].
pub(crate) async fn rebuild_counters(tx: &mut TenantTx) -> Result<u64> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let corrected = sqlx::query!(
        "insert into tenancy.usage_counters as t (tenant_id, metric, month, used, updated_at)
        select $1, metric, month, coalesce(s.used, 0), $2
        from (
            select e.metric, date_trunc('month', e.occurred_at at time zone 'UTC')::date as month, sum(e.quantity)::bigint as used
            from access.usage_events e
            where e.tenant_id = $1 and e.counted_at is not null
            group by 1, 2
        ) s
        full join (
            select c.metric, c.month, c.used
            from tenancy.usage_counters c
            where c.tenant_id = $1
        ) c using (metric, month)
        where coalesce(s.used, 0) <> coalesce(c.used, 0)
        on conflict on constraint usage_counters_pkey do update
        set used = excluded.used, updated_at = excluded.updated_at",
        tenant as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(corrected.rows_affected())
}

/// Sums the usage up to the month that begins on `last`, including events that are not counted yet.
pub(crate) async fn sum_usage(tx: &mut TenantTx, last: NaiveDate) -> Result<UsageTotals> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select n.metric as "metric!", n.month as "month!", sum(n.used)::bigint as "used!"
        from (
            select c.metric, c.month, c.used
            from tenancy.usage_counters c
            where c.tenant_id = $1
            union all
            select e.metric, date_trunc('month', e.occurred_at at time zone 'UTC')::date, e.quantity
            from access.usage_events e
            where e.tenant_id = $1 and e.counted_at is null
        ) n
        where n.month <= $2
        group by n.metric, n.month"#,
        tenant as _,
        last,
    )
    .fetch_all(tx.conn())
    .await?;
    let totals = rows
        .into_iter()
        .filter_map(|row| Some(((Metric::parse(&row.metric)?, row.month), row.used)));
    Ok(UsageTotals(totals.collect()))
}

/// Marks that the tenant is warned at this threshold of this month; `false` if it was warned before.
pub(crate) async fn mark_warned(
    tx: &mut TenantTx,
    metric: Metric,
    month: NaiveDate,
    threshold: i16,
) -> Result<bool> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let marked = sqlx::query!(
        "insert into tenancy.usage_counters as c (tenant_id, metric, month, used, warned, updated_at)
        values ($1, $2, $3, 0, $4, $5)
        on conflict on constraint usage_counters_pkey do update
        set warned = excluded.warned, updated_at = excluded.updated_at
        where c.warned < excluded.warned",
        tenant as _,
        metric.as_str(),
        month,
        threshold,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Lists tenants with events that are not counted yet.
pub(crate) async fn list_tenants_with_uncounted_events(
    tx: &mut UnscopedTx,
) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.tenants_with_new_usage() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Lists tenants with events.
pub(crate) async fn list_tenants_with_events(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.tenants_with_usage() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// Lists tenants with a licence that has begun or ended by `now` and is not projected yet.
pub(crate) async fn list_tenants_with_due_licenses(
    tx: &mut UnscopedTx,
    now: DateTime<Utc>,
) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"select tenancy.tenants_with_due_licenses($1) as "id!: TenantId""#,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}
