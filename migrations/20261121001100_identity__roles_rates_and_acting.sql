-- What the administration of people needs: custom roles, other people's sessions, hourly rates, activity, search, support that
-- looks at somebody's account, keys that rotate, jobs that tidy up.
--
-- Amounts are whole minor units, so that nothing is ever rounded. The activity of a person is read from the audit log, not
-- stored again. A session that looks at somebody else's account says who really acts; those that exist say nobody, which is
-- right. Keys that exist have been in force since they were made. Nothing has been released that would wait for these locks.

call access.grant_builtin('identity.role.update', superadmin => 'all', admin => 'all');
call access.grant_builtin('identity.session.end', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.rate.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'own');
call access.grant_builtin('identity.rate.update', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.activity.read', superadmin => 'all', admin => 'all', manager => 'own', expert => 'own', customer => 'own');
call access.grant_builtin('identity.user.impersonate', superadmin => 'all', admin => 'all');

-- Who really acts in a session; nobody but the person where it is null.
alter table access.sessions add column acting_kind text;
alter table access.sessions add column acting_id uuid;

-- `valid_to` is the last day. That periods of one currency don't overlap is checked where the whole set is written, under the
-- lock of the person.
create table identity.hourly_rates (
    tenant_id uuid not null,
    user_id uuid not null,
    currency text not null,
    valid_from date not null,
    valid_to date,
    amount_minor bigint not null,
    constraint hourly_rates_pkey primary key (tenant_id, user_id, currency, valid_from),
    constraint hourly_rates_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint hourly_rates_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint hourly_rates_period_check check (valid_to >= valid_from),
    constraint hourly_rates_amount_check check (amount_minor >= 0)
);
call access.protect('identity.hourly_rates', 'rvz_identity');
grant select, insert, delete on identity.hourly_rates to rvz_identity;

-- Which ends of certificates have been announced. Apart from the skills, which are replaced as a whole.
create table identity.certificate_notices (
    tenant_id uuid not null,
    user_id uuid not null,
    skill text not null,
    valid_until date not null,
    announced_at timestamptz not null,
    constraint certificate_notices_pkey primary key (tenant_id, user_id, skill, valid_until),
    constraint certificate_notices_user_fkey foreign key (tenant_id, user_id) references identity.users
);
call access.protect('identity.certificate_notices', 'rvz_identity');
grant select, insert on identity.certificate_notices to rvz_identity;

-- Since when a key signs; null: since it was made. At most one signs, and at most one is next.
alter table access.signing_keys add column activated_at timestamptz;
-- A handful of rows.
-- squawk-ignore require-concurrent-index-creation
create unique index signing_keys_status_key on access.signing_keys (status) where status in ('next', 'current');

-- Keys that nobody checks with any more, and sessions that ended long ago, go.
grant delete on access.signing_keys, access.sessions to rvz_identity;
grant delete on identity.sessions to rvz_identity;

-- The activity of a person: what they did, what was done about them.
grant select on access.audit_log to rvz_identity;
-- Not released yet.
-- squawk-ignore require-concurrent-index-creation
create index audit_log_actor_idx on access.audit_log (tenant_id, actor_id, occurred_at, audit_entry_id);
-- Not released yet.
-- squawk-ignore require-concurrent-index-creation
create index audit_log_resource_idx on access.audit_log (tenant_id, resource_kind, resource_id, occurred_at, audit_entry_id);

-- People whose name, or address if the caller sees it, holds the text, of the tenant that is set; none when none is set.
-- Not released yet.
-- squawk-ignore require-concurrent-index-creation
create index users_search_idx on identity.users using gin (lower(display_name) public.gin_trgm_ops, email public.gin_trgm_ops);
-- `execute` plans with the text at hand, and `union` looks for each column by itself: as one statement with `or` it reads the
-- whole table (30,000 people: 100 ms instead of 2).
create function identity.matching_users(query text, sees_email boolean) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    pattern constant text := '%' || replace(replace(replace(lower(query), '\', '\\'), '%', '\%'), '_', '\_') || '%';
begin
    return query execute
        'select u.user_id
        from identity.users u
        where u.tenant_id = $1 and lower(u.display_name) like $2
        union
        select u.user_id
        from identity.users u
        where $3 and u.tenant_id = $1 and u.email like $2'
        using tenant, pattern, sees_email;
end
$$;
call access.define('identity.matching_users(text, boolean)', 'rvz_identity');

-- For jobs that visit one tenant after the other: identifiers alone.
create function identity.tenant_ids() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select t.tenant_id from access.tenants t order by t.tenant_id $$;
call access.define('identity.tenant_ids()', 'rvz_identity');
