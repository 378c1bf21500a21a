-- Seals the audit log: each row of a tenant gets a number without gaps and a hash over itself and the row before.
--
-- A job of tenancy does it within a minute, so that no act waits for it; rows that exist are sealed by its first run. The hash
-- is keyed by the master key, which the database does not have: whoever can write here still can't make a chain that holds.
-- `chain_key` names the master key, so that a rotated one still verifies. The head of each chain stands apart, so that a cut at
-- the end is noticed. Tenancy alone may write the three columns, and no function may change or remove anything else.

alter table access.audit_log add column chain_key smallint;
-- Not released yet.
-- squawk-ignore require-concurrent-index-creation
create unique index audit_log_sequence_key on access.audit_log (tenant_id, sequence);
-- Not released yet. Only what is not sealed yet: a handful of rows.
-- squawk-ignore require-concurrent-index-creation
create index audit_log_unsealed_idx on access.audit_log (tenant_id, occurred_at, audit_entry_id) where sequence is null;
grant update (sequence, chain_hash, chain_key) on access.audit_log to rvz_tenancy;

-- `caught_up_at`: when the job last left no row unsealed. What is much older than that and still not sealed was not written by
-- us.
create table tenancy.audit_heads (
    tenant_id uuid not null,
    sequence bigint not null,
    chain_hash bytea not null,
    caught_up_at timestamptz,
    updated_at timestamptz not null,
    constraint audit_heads_pkey primary key (tenant_id),
    constraint audit_heads_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint audit_heads_sequence_check check (sequence >= 0)
);
call access.protect('tenancy.audit_heads', 'rvz_tenancy');
grant select, insert, update on tenancy.audit_heads to rvz_tenancy;

-- Which tenants the two jobs visit: identifiers alone.
create policy definer on access.audit_log for select to rvz_definer using (true);
grant select on access.audit_log to rvz_definer;
create function tenancy.unsealed_tenants() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select distinct l.tenant_id from access.audit_log l where l.sequence is null $$;
call access.define('tenancy.unsealed_tenants()', 'rvz_tenancy');
create function tenancy.chained_tenants() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select t.tenant_id from access.tenants t order by t.tenant_id $$;
call access.define('tenancy.chained_tenants()', 'rvz_tenancy');
