-- The schemas that every function shares, and the one procedure that locks a table to its tenant.
--
-- `access.protect` is called for every table with tenant data: row-level security enabled and forced, one restrictive and
-- one permissive policy for the function's role (a later `using (true)` then opens nothing), explicit policies for
-- backfills and dumps. The sub-select makes PostgreSQL evaluate the setting once a statement; `nullif` because a setting
-- that was once set locally is '' afterwards, not null.

create schema access;
create schema events;
grant usage on schema access, events to rvz_app, rvz_definer, rvz_migrator, rvz_dumper;
grant select on public._sqlx_migrations to rvz_app, rvz_dumper;
create extension if not exists pg_trgm with schema public;

create procedure access.protect(target regclass, app_role name, tenant_column name default 'tenant_id')
language plpgsql
as $$
declare
    own constant text := format(
        '%I = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', tenant_column
    );
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy tenant_lock on %s as restrictive for all to %I using (%s) with check (%s)', target, app_role, own, own);
    execute format('create policy tenant_rows on %s as permissive for all to %I using (%s) with check (%s)', target, app_role, own, own);
    execute format('create policy backfill on %s for all to rvz_migrator using (true) with check (true)', target);
    execute format('create policy dump on %s for select to rvz_dumper using (true)', target);
    execute format('grant select, insert, update, delete on %s to rvz_migrator', target);
    execute format('grant select on %s to rvz_dumper', target);
end
$$;
revoke all on procedure access.protect from public;

-- Hands a SECURITY DEFINER function to rvz_definer and lets one role call it.
create procedure access.define(target regprocedure, executor name)
language plpgsql
as $$
declare
    home constant name := (select n.nspname from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where p.oid = target);
begin
    execute format('revoke all on function %s from public', target);
    execute format('grant execute on function %s to %I', target, executor);
    execute format('grant usage, create on schema %I to rvz_definer', home);
    execute format('alter function %s owner to rvz_definer', target);
    execute format('revoke create on schema %I from rvz_definer', home);
end
$$;
revoke all on procedure access.define from public;

-- What every function must know of a tenant; tenancy writes it.
create table access.tenants (
    tenant_id uuid not null,
    slug text not null,
    name text not null,
    status text not null,
    features jsonb not null default '{}',
    settings jsonb not null default '{}',
    limits jsonb not null default '{}',
    max_users integer not null,
    locale text not null,
    time_zone text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tenants_pkey primary key (tenant_id),
    constraint tenants_slug_key unique (slug),
    constraint tenants_status_check check (status in ('trial', 'active', 'past_due', 'suspended', 'closing', 'closed')),
    constraint tenants_max_users_check check (max_users >= 0)
);
call access.protect('access.tenants', 'rvz_app', 'tenant_id');
grant select on access.tenants to rvz_app;

-- Web origins from which browsers may call for a tenant (CORS).
create table access.origins (
    tenant_id uuid not null,
    origin text not null,
    created_at timestamptz not null,
    constraint origins_pkey primary key (tenant_id, origin),
    constraint origins_origin_key unique (origin),
    constraint origins_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('access.origins', 'rvz_app');
grant select on access.origins to rvz_app;

-- Roles are data: a map from permission to reach ('all', 'assigned', 'own').
create table access.roles (
    tenant_id uuid not null,
    role_id uuid not null,
    name text not null,
    description text not null default '',
    base_role text not null,
    built_in boolean not null,
    permissions jsonb not null,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint roles_pkey primary key (tenant_id, role_id),
    constraint roles_name_key unique (tenant_id, name),
    constraint roles_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint roles_base_role_check check (base_role in ('superadmin', 'admin', 'manager', 'expert', 'customer')),
    constraint roles_permissions_check check (jsonb_typeof(permissions) = 'object')
);
call access.protect('access.roles', 'rvz_app');
grant select on access.roles to rvz_app;

-- What other contexts may know of a person; identity writes it.
create table access.people (
    tenant_id uuid not null,
    user_id uuid not null,
    role_id uuid not null,
    email text not null,
    display_name text not null,
    locale text not null,
    time_zone text not null,
    status text not null,
    updated_at timestamptz not null,
    constraint people_pkey primary key (tenant_id, user_id),
    constraint people_role_fkey foreign key (tenant_id, role_id) references access.roles,
    constraint people_status_check check (status in ('invited', 'active', 'locked', 'disabled', 'erased'))
);
create index people_role_idx on access.people (tenant_id, role_id);
call access.protect('access.people', 'rvz_app');
grant select on access.people to rvz_app;

-- Which sessions live; identity writes it, every function asks it.
create table access.sessions (
    tenant_id uuid not null,
    session_id uuid not null,
    user_id uuid not null,
    amr text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint sessions_pkey primary key (tenant_id, session_id),
    constraint sessions_person_fkey foreign key (tenant_id, user_id) references access.people
);
create index sessions_user_idx on access.sessions (tenant_id, user_id);
call access.protect('access.sessions', 'rvz_app');
grant select on access.sessions to rvz_app;

-- Keys of tenants. Only hashes; tenancy writes, every function reads and notes the last use.
create table access.api_keys (
    tenant_id uuid not null,
    api_key_id uuid not null,
    name text not null,
    secret_hash bytea not null,
    scopes text[] not null,
    ip_ranges text[] not null default '{}',
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_by_kind text not null,
    created_by_id uuid,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint api_keys_pkey primary key (tenant_id, api_key_id),
    constraint api_keys_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint api_keys_secret_hash_check check (octet_length(secret_hash) = 32)
);
call access.protect('access.api_keys', 'rvz_app');
grant select, update (last_used_at) on access.api_keys to rvz_app;

-- Public halves of the keys that sign access tokens. They belong to no tenant.
create table access.signing_keys (
    key_id text not null,
    public_key bytea not null,
    status text not null,
    created_at timestamptz not null,
    retired_at timestamptz,
    constraint signing_keys_pkey primary key (key_id),
    constraint signing_keys_public_key_check check (octet_length(public_key) = 32),
    constraint signing_keys_status_check check (status in ('next', 'current', 'retired'))
);
grant select on access.signing_keys to rvz_app;
grant select on access.signing_keys to rvz_dumper;

-- Who did what. Inserted with the act; `sequence` and `chain_hash` are sealed by a job.
create table access.audit_log (
    tenant_id uuid not null,
    audit_entry_id uuid not null,
    occurred_at timestamptz not null,
    actor_kind text not null,
    actor_id uuid,
    action text not null,
    resource_kind text not null,
    resource_id text,
    changes jsonb not null default '{}',
    reason text,
    request_id text,
    address text,
    sequence bigint,
    chain_hash bytea,
    constraint audit_log_pkey primary key (tenant_id, audit_entry_id),
    constraint audit_log_tenant_fkey foreign key (tenant_id) references access.tenants
);
create index audit_log_time_idx on access.audit_log (tenant_id, occurred_at, audit_entry_id);
call access.protect('access.audit_log', 'rvz_app');
grant insert on access.audit_log to rvz_app;

-- What was used, to be counted; a source counts once.
create table access.usage_events (
    tenant_id uuid not null,
    source text not null,
    source_id text not null,
    metric text not null,
    quantity bigint not null,
    occurred_at timestamptz not null,
    constraint usage_events_pkey primary key (tenant_id, source, source_id),
    constraint usage_events_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('access.usage_events', 'rvz_app');
grant insert on access.usage_events to rvz_app;

-- Answers that a repeated POST gets again. Written in the transaction of the effect.
create table access.idempotency_keys (
    tenant_id uuid not null,
    principal text not null,
    method text not null,
    path text not null,
    idempotency_key text not null,
    fingerprint bytea not null,
    status smallint,
    location text,
    etag text,
    body text,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, principal, method, path, idempotency_key),
    constraint idempotency_keys_tenant_fkey foreign key (tenant_id) references access.tenants
);
create index idempotency_keys_created_idx on access.idempotency_keys (tenant_id, created_at);
call access.protect('access.idempotency_keys', 'rvz_app');
grant select, insert, update, delete on access.idempotency_keys to rvz_app;

-- The policy of the built-in roles, one row a permission and role; `reach` as in access.roles.
create table access.builtin_grants (
    permission text not null,
    base_role text not null,
    reach text not null,
    constraint builtin_grants_pkey primary key (permission, base_role),
    constraint builtin_grants_permission_check check (permission ~ '^[a-z]+\.[a-z_]+\.[a-z_]+$'),
    constraint builtin_grants_base_role_check check (base_role in ('superadmin', 'admin', 'manager', 'expert', 'customer')),
    constraint builtin_grants_reach_check check (reach in ('all', 'assigned', 'own'))
);
grant select on access.builtin_grants to rvz_app, rvz_definer, rvz_dumper;

-- Adds a permission to the built-in roles, also of the tenants that exist: `call access.grant_builtin('support.ticket.read', admin => 'all', customer => 'own')`.
create procedure access.grant_builtin(
    wanted text,
    superadmin text default null,
    admin text default null,
    manager text default null,
    expert text default null,
    customer text default null
)
language plpgsql
as $$
begin
    insert into access.builtin_grants (permission, base_role, reach)
    select wanted, g.base_role, g.reach
    from (values ('superadmin', superadmin), ('admin', admin), ('manager', manager), ('expert', expert), ('customer', customer)) g (base_role, reach)
    where g.reach is not null;
    grant select on access.builtin_grants to rvz_migrator;
    -- Row-level security is forced on the owner: as the owner this would change no row, silently.
    set local role rvz_migrator;
    update access.roles r
    set permissions = r.permissions || jsonb_build_object(g.permission, g.reach)
    from access.builtin_grants g
    where r.built_in and g.permission = wanted and g.base_role = r.base_role;
    set local role rvz_owner;
end
$$;
revoke all on procedure access.grant_builtin from public;

-- Before sign-in there is no tenant yet: these three answer one identifier or one bit for one exact text.
create policy definer on access.tenants for select to rvz_definer using (true);
grant select on access.tenants to rvz_definer;
create policy definer on access.origins for select to rvz_definer using (true);
grant select on access.origins to rvz_definer;

create function access.tenant_by_slug(wanted text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select t.tenant_id from access.tenants t where t.slug = wanted $$;
call access.define('access.tenant_by_slug(text)', 'rvz_app');

create function access.tenant_by_origin(wanted text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select o.tenant_id from access.origins o where o.origin = wanted $$;
call access.define('access.tenant_by_origin(text)', 'rvz_app');
