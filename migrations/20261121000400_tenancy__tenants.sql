-- Tenants with their master data, settings, flags and licences; the permissions of this context; the tenant `revalenz` in
-- which the platform's own staff signs in.
--
-- What every function must know of a tenant is mirrored to access.tenants in the same transaction. Licences are superseded,
-- never edited.

create schema tenancy;
grant usage on schema tenancy to rvz_tenancy, rvz_migrator, rvz_dumper;

create table tenancy.tenants (
    tenant_id uuid not null,
    slug text not null,
    name text not null,
    email text not null,
    domain text,
    status text not null,
    license_type text not null,
    region text not null,
    currency text not null,
    locale text not null,
    time_zone text not null,
    max_users integer not null,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tenants_pkey primary key (tenant_id),
    constraint tenants_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint tenants_slug_key unique (slug),
    constraint tenants_status_check check (status in ('trial', 'active', 'past_due', 'suspended', 'closing', 'closed')),
    constraint tenants_license_type_check check (license_type in ('trial', 'standard', 'enterprise', 'internal')),
    constraint tenants_currency_check check (currency ~ '^[A-Z]{3}$')
);
call access.protect('tenancy.tenants', 'rvz_tenancy');
grant select, insert, update on tenancy.tenants to rvz_tenancy;

create table tenancy.settings (
    tenant_id uuid not null,
    key text not null,
    value jsonb not null,
    updated_at timestamptz not null,
    constraint settings_pkey primary key (tenant_id, key),
    constraint settings_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('tenancy.settings', 'rvz_tenancy');
grant select, insert, update, delete on tenancy.settings to rvz_tenancy;

create table tenancy.feature_flags (
    tenant_id uuid not null,
    flag text not null,
    enabled boolean not null,
    rollout smallint not null default 100,
    expires_at timestamptz,
    updated_at timestamptz not null,
    constraint feature_flags_pkey primary key (tenant_id, flag),
    constraint feature_flags_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint feature_flags_rollout_check check (rollout between 0 and 100)
);
call access.protect('tenancy.feature_flags', 'rvz_tenancy');
grant select, insert, update, delete on tenancy.feature_flags to rvz_tenancy;

create table tenancy.licenses (
    tenant_id uuid not null,
    license_id uuid not null,
    plan text not null,
    seats integer not null,
    limits jsonb not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    created_at timestamptz not null,
    constraint licenses_pkey primary key (tenant_id, license_id),
    constraint licenses_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint licenses_plan_check check (plan in ('trial', 'standard', 'enterprise', 'internal')),
    constraint licenses_seats_check check (seats >= 0)
);
create unique index licenses_in_force_idx on tenancy.licenses (tenant_id) where valid_to is null;
call access.protect('tenancy.licenses', 'rvz_tenancy');
grant select, insert, update on tenancy.licenses to rvz_tenancy;

-- The shared tables that tenancy writes, and the log that only it reads.
grant insert, update on access.tenants, access.api_keys to rvz_tenancy;
grant insert, update, delete on access.origins to rvz_tenancy;
grant select on access.audit_log, access.usage_events to rvz_tenancy;

call access.grant_builtin('tenancy.tenant.create', superadmin => 'all');
-- A permission never reaches beyond the tenant; that staff reaches other tenants is not a matter of permissions. What only
-- superadmin holds is no scope of an API key.
call access.grant_builtin('tenancy.tenant.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.tenant.update', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.license.update', superadmin => 'all');
call access.grant_builtin('tenancy.settings.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.settings.update', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.feature.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.feature.update', superadmin => 'all');
call access.grant_builtin('tenancy.api_key.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.api_key.create', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.api_key.revoke', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.audit.read', superadmin => 'all', admin => 'all');

-- The list of all tenants, for the platform's own staff: only a transaction bound to the tenant `revalenz` sees it.
create policy definer on tenancy.tenants for select to rvz_definer using (true);
grant usage on schema tenancy to rvz_definer;
grant select on tenancy.tenants to rvz_definer;
create function tenancy.all_tenants(status_filter text, search text, after_created_at timestamptz, after_id uuid, most bigint)
returns setof tenancy.tenants
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.*
    from tenancy.tenants t
    where nullif(current_setting('app.tenant_id', true), '') = '00000000-0000-7000-8000-000000000001'
        and (status_filter is null or t.status = status_filter)
        and (search is null or strpos(t.slug, lower(search)) > 0 or strpos(lower(t.name), lower(search)) > 0)
        and (after_id is null or (t.created_at, t.tenant_id) < (after_created_at, after_id))
    order by t.created_at desc, t.tenant_id desc
    limit most
$$;
call access.define('tenancy.all_tenants(text, text, timestamptz, uuid, bigint)', 'rvz_tenancy');

-- The platform's own tenant, with the one role that exists nowhere else; nobody registers there. Row-level security is
-- forced on the owner, so these rows are written as the migrator.
set local role rvz_migrator;
insert into access.tenants (tenant_id, slug, name, status, settings, max_users, locale, time_zone, created_at, updated_at)
values ('00000000-0000-7000-8000-000000000001', 'revalenz', 'Revalenz GmbH', 'active', '{"registration": "closed"}', 1000, 'de', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
insert into tenancy.settings (tenant_id, key, value, updated_at)
values ('00000000-0000-7000-8000-000000000001', 'registration', '"closed"', '2026-01-01T00:00:00Z');
insert into tenancy.tenants (tenant_id, slug, name, email, status, license_type, region, currency, locale, time_zone, max_users, created_at, updated_at)
values ('00000000-0000-7000-8000-000000000001', 'revalenz', 'Revalenz GmbH', 'platform@revalenz.example', 'active', 'internal', 'eu', 'EUR', 'de', 'Europe/Berlin', 1000, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
insert into access.roles (tenant_id, role_id, name, description, base_role, built_in, permissions, created_at, updated_at)
select '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'superadmin', 'Revalenz staff', 'superadmin', true,
    (select jsonb_object_agg(g.permission, g.reach) from access.builtin_grants g where g.base_role = 'superadmin'),
    '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z';
set local role rvz_owner;
