-- What a licence contains besides its plan, when it is in force, what was used of it, and how much of a quota is taken.
--
-- A licence is in force from `valid_from` until before `valid_to`. `features` are the contexts in it; null, as in all licences
-- that exist, means every context. `limits` holds the metered limits and whatever else simply holds; `soft` names those of them
-- that warn and never refuse. A licence that another took the place of before it began has an empty time.
--
-- Raw usage stays: the counters of tenancy are sums of it and can be made anew. `counted_at` says that an event is in them.
-- Quota counters are apart from those: they are written by whoever takes, in the moment of taking, so that they are exact.

alter table tenancy.licenses
    add column features text[],
    add column soft text[] not null default '{}',
    add column superseded_at timestamptz;
-- A handful of rows a tenant: made at once.
-- squawk-ignore require-concurrent-index-creation
create index licenses_begin_idx on tenancy.licenses (tenant_id, valid_from, license_id);

-- For whom inside the tenant a flag counts: so many of a hundred people, and only where all conditions hold.
alter table tenancy.feature_flags
    add column user_rollout smallint not null default 100,
    add column conditions jsonb not null default '[]';

-- The hour at which a licence begins or ends announces itself to nobody: the mirror knows beforehand what will hold then.
alter table access.tenants add column upcoming jsonb not null default '[]';

alter table access.usage_events
    add column subject text,
    add column counted_at timestamptz;
-- Nobody has written to this table yet.
-- squawk-ignore require-concurrent-index-creation
create index usage_events_uncounted_idx on access.usage_events (tenant_id, occurred_at) where counted_at is null;
-- squawk-ignore require-concurrent-index-creation
create index usage_events_time_idx on access.usage_events (tenant_id, metric, occurred_at);
grant update (counted_at) on access.usage_events to rvz_tenancy;

create table tenancy.usage_counters (
    tenant_id uuid not null,
    metric text not null,
    -- Its first day, in UTC.
    month date not null,
    used bigint not null,
    -- The highest threshold, in percent, that the tenant was warned of this month.
    warned smallint not null default 0,
    updated_at timestamptz not null,
    constraint usage_counters_pkey primary key (tenant_id, metric, month),
    constraint usage_counters_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint usage_counters_month_check check (extract(day from month) = 1)
);
call access.protect('tenancy.usage_counters', 'rvz_tenancy');
grant select, insert, update on tenancy.usage_counters to rvz_tenancy;

create table access.quota_counters (
    tenant_id uuid not null,
    metric text not null,
    -- The first day of the month, in UTC; 1970-01-01 for what does not begin anew each month.
    period date not null,
    used bigint not null,
    updated_at timestamptz not null,
    constraint quota_counters_pkey primary key (tenant_id, metric, period),
    constraint quota_counters_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint quota_counters_used_check check (used >= 0)
);
call access.protect('access.quota_counters', 'rvz_app');
grant select, insert, update on access.quota_counters to rvz_app;

call access.grant_builtin('tenancy.license.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.usage.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.usage.record', superadmin => 'all', admin => 'all');

-- Which tenants the jobs visit: identifiers alone.
create policy definer on access.usage_events for select to rvz_definer using (true);
grant select on access.usage_events to rvz_definer;
create function tenancy.tenants_with_new_usage() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct e.tenant_id
    from access.usage_events e
    where e.counted_at is null
$$;
call access.define('tenancy.tenants_with_new_usage()', 'rvz_tenancy');

create function tenancy.tenants_with_usage() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.tenant_id
    from access.tenants t
    where exists (select from access.usage_events e where e.tenant_id = t.tenant_id)
$$;
call access.define('tenancy.tenants_with_usage()', 'rvz_tenancy');

create function tenancy.tenants_with_due_licenses(as_of timestamptz) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.tenant_id
    from access.tenants t
    where exists (
        select from jsonb_array_elements(t.upcoming) u
        where (u.value ->> 'from')::timestamptz <= as_of
    )
$$;
call access.define('tenancy.tenants_with_due_licenses(timestamptz)', 'rvz_tenancy');
