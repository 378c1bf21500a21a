//! What was used: raw events, and the counters that are sums of them.

use access::usage::Metric;
use chrono::{DateTime, NaiveDate, Utc};
use db::{Result, TenantTx, UnscopedTx};
use ids::TenantId;

use crate::domain::usage::{UsageEvent, Used};

/// Before the source of what is told from outside, so that nobody there can speak as one of the functions.
const OUTSIDE: &str = "external:";

/// Keeps events; answers how many of them were news.
pub async fn insert(tx: &mut TenantTx, events: &[UsageEvent], now: DateTime<Utc>) -> Result<u64> {
    let tenant = tx.tenant();
    let sources: Vec<String> = events
        .iter()
        .map(|event| format!("{OUTSIDE}{}", event.source.as_str()))
        .collect();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let metrics: Vec<&str> = events.iter().map(|event| event.metric.as_str()).collect();
    let quantities: Vec<i64> = events.iter().map(|event| event.quantity).collect();
    let subjects: Vec<Option<&str>> = events
        .iter()
        .map(|event| event.subject.as_ref().map(web::Line::as_str))
        .collect();
    let times: Vec<DateTime<Utc>> = events
        .iter()
        .map(|event| event.time.unwrap_or(now))
        .collect();
    let told = sqlx::query!(
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
    Ok(told.rows_affected())
}

/// Makes everybody wait who is about to count in this tenant, until the end of the transaction.
pub async fn lock_counters(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('tenancy.usage ' || $1::uuid::text, 0))",
        tenant as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds up to `most` events to the counters of the months in which they happened; answers how many. Under [`lock_counters`].
pub async fn count_events(tx: &mut TenantTx, most: i64, now: DateTime<Utc>) -> Result<i64> {
    let tenant = tx.tenant();
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
        most,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Puts the sums of the events that were counted where a counter says something else; answers how many did. Under
/// [`lock_counters`].
pub async fn recount(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<u64> {
    let tenant = tx.tenant();
    let put_right = sqlx::query!(
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
    Ok(put_right.rows_affected())
}

/// What was used until the end of the month that begins on `last`, with what nobody has counted yet.
pub async fn used(tx: &mut TenantTx, last: NaiveDate) -> Result<Used> {
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
    let known = rows
        .into_iter()
        .filter_map(|row| Some(((Metric::parse(&row.metric)?, row.month), row.used)));
    Ok(Used(known.collect()))
}

/// Notes that the tenant is warned at this threshold of this month; `false` when it was before.
pub async fn note_warning(
    tx: &mut TenantTx,
    metric: Metric,
    month: NaiveDate,
    threshold: i16,
    now: DateTime<Utc>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let noted = sqlx::query!(
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
    Ok(noted.rows_affected() == 1)
}

/// The tenants with events that nobody has counted yet.
pub async fn tenants_with_new_events(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.tenants_with_new_usage() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// The tenants with any events.
pub async fn tenants_with_events(tx: &mut UnscopedTx) -> Result<Vec<TenantId>> {
    Ok(
        sqlx::query_scalar!(r#"select tenancy.tenants_with_usage() as "id!: TenantId""#)
            .fetch_all(tx.conn())
            .await?,
    )
}

/// The tenants of which a licence has begun or ended by `now` and is not mirrored yet.
pub async fn tenants_with_due_licenses(
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
