-- The life of a tenant from trial to closed, and what is left of it; domains that a tenant has proved to be its own; keys that
-- rotate, with a limit of their own.
--
-- `status_since` is null for tenants that never changed: since they were founded. `closes_at`: when the data of a tenant that
-- is closing goes. What a closed tenant leaves is erased by each function for itself: a row of events.erasures says that it
-- still has to, and when it was done; that row names no person and stays as proof. The old secret of a rotated key is a hash
-- like the new one, and worth nothing after `previous_until`. Rows that exist need no change.

alter table tenancy.tenants add column status_since timestamptz;
alter table tenancy.tenants add column status_reason text;
alter table tenancy.tenants add column closes_at timestamptz;
alter table tenancy.tenants add constraint tenants_closes_at_check check ((status = 'closing') = (closes_at is not null)) not valid;
-- No tenant is closing yet, and there are few: a look at them takes no time.
-- squawk-ignore constraint-missing-not-valid
alter table tenancy.tenants validate constraint tenants_closes_at_check;

call access.grant_builtin('tenancy.tenant.suspend', superadmin => 'all');
call access.grant_builtin('tenancy.tenant.close', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.domain.read', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.domain.update', superadmin => 'all', admin => 'all');
call access.grant_builtin('tenancy.api_key.update', superadmin => 'all', admin => 'all');

-- For jobs that visit one tenant after the other: identifiers of those for whom anything is still done. It takes the place of
-- the list with which identity's jobs visited suspended and closed ones too.
create function access.working_tenants() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.tenant_id
    from access.tenants t
    where t.status in ('trial', 'active', 'past_due')
    order by t.tenant_id
$$;
call access.define('access.working_tenants()', 'rvz_app');
-- Not released yet.
-- squawk-ignore ban-drop-function
drop function identity.tenant_ids();

-- Tenants whose time is over: identifiers alone.
create function tenancy.due_closings(as_of timestamptz) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select t.tenant_id
    from tenancy.tenants t
    where t.status = 'closing' and t.closes_at <= as_of
    order by t.closes_at, t.tenant_id
$$;
call access.define('tenancy.due_closings(timestamptz)', 'rvz_tenancy');

create table events.erasures (
    tenant_id uuid not null,
    function text not null,
    requested_at timestamptz not null,
    erased_at timestamptz,
    erased_rows bigint not null default 0,
    constraint erasures_pkey primary key (tenant_id, function),
    constraint erasures_tenant_fkey foreign key (tenant_id) references access.tenants
);
call access.protect('events.erasures', 'rvz_app');
grant select, insert, update on events.erasures to rvz_app;
create policy definer on events.erasures for select to rvz_definer using (true);
grant select on events.erasures to rvz_definer;

-- Which closed tenants a function still has rows of: identifiers alone.
create function events.open_erasures(of_function text, requested_before timestamptz) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select e.tenant_id
    from events.erasures e
    where e.function = of_function and e.erased_at is null and e.requested_at <= requested_before
    order by e.requested_at, e.tenant_id
$$;
call access.define('events.open_erasures(text, timestamptz)', 'rvz_app');

-- Each function erases what it owns, and nothing else. Nobody but the erasure deletes from these.
grant delete on access.people to rvz_identity;
grant delete on identity.users, identity.certificate_notices to rvz_identity;
grant delete on access.api_keys to rvz_tenancy;
grant delete on support.tickets, support.ticket_comments, support.ticket_history, support.ticket_counters to rvz_support;
grant delete on notifications.messages to rvz_notifications;

-- Rotation, a limit of one's own, and the notice before the end.
alter table access.api_keys add column previous_secret_hash bytea;
alter table access.api_keys add column previous_until timestamptz;
alter table access.api_keys add column requests_per_minute integer;
alter table access.api_keys add column expiry_noticed_at timestamptz;
alter table access.api_keys add constraint api_keys_previous_check
    check ((previous_secret_hash is null) = (previous_until is null) and octet_length(previous_secret_hash) = 32) not valid;
-- No row has the new columns yet, and keys are few: a look at them takes no time.
-- squawk-ignore constraint-missing-not-valid
alter table access.api_keys validate constraint api_keys_previous_check;
alter table access.api_keys add constraint api_keys_requests_per_minute_check check (requests_per_minute > 0) not valid;
-- The same.
-- squawk-ignore constraint-missing-not-valid
alter table access.api_keys validate constraint api_keys_requests_per_minute_check;

-- A host that a tenant says is its own. Several may say so; the first who proves it has it, until it is let go of. `proof` is
-- what the DNS record or the file has to say: it is no secret, it only has to be there. `failing_since`: since when the proof
-- of a verified host is not found any more.
create table tenancy.tenant_domains (
    tenant_id uuid not null,
    tenant_domain_id uuid not null,
    host text not null,
    proof text not null,
    method text,
    verified_at timestamptz,
    checked_at timestamptz,
    failing_since timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tenant_domains_pkey primary key (tenant_id, tenant_domain_id),
    constraint tenant_domains_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint tenant_domains_host_key unique (tenant_id, host),
    constraint tenant_domains_host_check check (host = lower(host) and host ~ '^[a-z0-9.-]+$'),
    constraint tenant_domains_method_check check (method in ('dns', 'file') and (method is null) = (verified_at is null)),
    constraint tenant_domains_failing_check check (failing_since is null or verified_at is not null)
);
create unique index tenant_domains_owner_key on tenancy.tenant_domains (host) where verified_at is not null;
call access.protect('tenancy.tenant_domains', 'rvz_tenancy');
grant select, insert, update, delete on tenancy.tenant_domains to rvz_tenancy;
