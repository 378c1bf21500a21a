-- Users, sessions, one-time tokens, expertise and signing keys; the permissions of this context; the door through which
-- tenancy makes a new tenant's roles and first admin in its own transaction.
--
-- Passwords, refresh tokens and one-time tokens are stored as hashes only, signing keys encrypted. What other contexts may
-- know of a person is mirrored to access.people in the same transaction.

create schema identity;
grant usage on schema identity to rvz_identity, rvz_migrator, rvz_dumper;

create table identity.users (
    tenant_id uuid not null,
    user_id uuid not null,
    role_id uuid not null,
    email text not null,
    username text,
    password_hash text,
    given_name text not null,
    family_name text not null,
    display_name text not null,
    status text not null,
    locale text not null,
    time_zone text not null,
    phone text,
    email_verified_at timestamptz,
    last_seen_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint users_pkey primary key (tenant_id, user_id),
    constraint users_person_fkey foreign key (tenant_id, user_id) references access.people,
    constraint users_email_key unique (tenant_id, email),
    constraint users_username_key unique (tenant_id, username),
    constraint users_role_fkey foreign key (tenant_id, role_id) references access.roles,
    constraint users_status_check check (status in ('invited', 'active', 'locked', 'disabled', 'erased')),
    constraint users_email_check check (email = lower(email))
);
create index users_created_idx on identity.users (tenant_id, created_at, user_id);
create index users_name_idx on identity.users (tenant_id, lower(display_name), user_id);
create index users_role_idx on identity.users (tenant_id, role_id);
call access.protect('identity.users', 'rvz_identity');
grant select, insert, update on identity.users to rvz_identity;

-- A signed-in device. The secret of generation n+1 is derived from that of n, so only the newest hash and the one before
-- it are kept.
create table identity.sessions (
    tenant_id uuid not null,
    session_id uuid not null,
    user_id uuid not null,
    generation integer not null default 0,
    refresh_hash bytea not null,
    previous_hash bytea,
    rotated_at timestamptz not null,
    device_name text,
    user_agent text,
    address text,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text,
    created_at timestamptz not null,
    constraint sessions_pkey primary key (tenant_id, session_id),
    constraint sessions_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint sessions_revoked_reason_check check (revoked_reason in ('logout', 'logout_all', 'reuse_detected', 'password_changed', 'disabled', 'expired'))
);
create index sessions_user_idx on identity.sessions (tenant_id, user_id);
call access.protect('identity.sessions', 'rvz_identity');
grant select, insert, update on identity.sessions to rvz_identity;

-- `password_hash`: whoever registers chooses a password that holds only once *their* link has been opened. Two who register
-- the same address have a link each, and neither can slip the owner of the address a password of their own.
create table identity.one_time_tokens (
    tenant_id uuid not null,
    one_time_token_id uuid not null,
    user_id uuid not null,
    purpose text not null,
    secret_hash bytea not null,
    password_hash text,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint one_time_tokens_pkey primary key (tenant_id, one_time_token_id),
    constraint one_time_tokens_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint one_time_tokens_purpose_check check (purpose in ('verify_email', 'reset_password', 'magic_link', 'invite', 'change_email'))
);
create index one_time_tokens_user_idx on identity.one_time_tokens (tenant_id, user_id, purpose);
call access.protect('identity.one_time_tokens', 'rvz_identity');
grant select, insert, update, delete on identity.one_time_tokens to rvz_identity;

create table identity.expertise (
    tenant_id uuid not null,
    user_id uuid not null,
    skill text not null,
    level smallint not null,
    years smallint,
    certificate_name text,
    certificate_valid_until date,
    constraint expertise_pkey primary key (tenant_id, user_id, skill),
    constraint expertise_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint expertise_level_check check (level between 1 and 5),
    constraint expertise_years_check check (years between 0 and 80)
);
create index expertise_skill_idx on identity.expertise (tenant_id, skill, level);
call access.protect('identity.expertise', 'rvz_identity');
grant select, insert, update, delete on identity.expertise to rvz_identity;

-- Private halves, encrypted under the master key; they belong to no tenant.
create table identity.signing_keys (
    key_id text not null,
    private_key_sealed bytea not null,
    created_at timestamptz not null,
    constraint signing_keys_pkey primary key (key_id),
    constraint signing_keys_public_fkey foreign key (key_id) references access.signing_keys
);
grant select, insert, delete on identity.signing_keys to rvz_identity;
grant select on identity.signing_keys to rvz_dumper;

-- The shared tables that identity writes.
grant insert, update on access.people, access.sessions, access.signing_keys to rvz_identity;
grant insert, update, delete on access.roles to rvz_identity;

call access.grant_builtin('identity.user.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all');
call access.grant_builtin('identity.user.read_sensitive', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.user.create', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.user.update', superadmin => 'all', admin => 'all', manager => 'all', expert => 'own', customer => 'own');
call access.grant_builtin('identity.user.disable', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.expertise.read', superadmin => 'all', admin => 'all', manager => 'all', expert => 'all', customer => 'own');
call access.grant_builtin('identity.expertise.update', superadmin => 'all', admin => 'all', manager => 'all', expert => 'own');
call access.grant_builtin('identity.role.read', superadmin => 'all', admin => 'all', manager => 'all');
call access.grant_builtin('identity.role.assign', superadmin => 'all', admin => 'all');

-- Makes the built-in roles of a new tenant and invites its first admin, in the caller's transaction, which must be bound
-- to that tenant: for any other it refuses.
create function identity.provision_tenant(
    wanted_tenant uuid,
    new_user_id uuid,
    new_email text,
    new_given_name text,
    new_family_name text,
    new_locale text,
    new_time_zone text,
    new_token_id uuid,
    new_token_hash bytea,
    token_expires_at timestamptz,
    made_at timestamptz
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    admin_role uuid;
begin
    if wanted_tenant is distinct from nullif(current_setting('app.tenant_id', true), '')::uuid then
        raise insufficient_privilege using message = 'new row violates row-level security: another tenant';
    end if;
    insert into access.roles (tenant_id, role_id, name, base_role, built_in, permissions, created_at, updated_at)
    select
        wanted_tenant, gen_random_uuid(), r.name, r.name, true,
        (select coalesce(jsonb_object_agg(g.permission, g.reach), '{}') from access.builtin_grants g where g.base_role = r.name),
        made_at, made_at
    from unnest(array['admin', 'manager', 'expert', 'customer']) r (name);
    select r.role_id into strict admin_role from access.roles r where r.tenant_id = wanted_tenant and r.name = 'admin';
    insert into access.people (tenant_id, user_id, role_id, email, display_name, locale, time_zone, status, updated_at)
    values (wanted_tenant, new_user_id, admin_role, new_email, new_given_name || ' ' || new_family_name, new_locale, new_time_zone, 'invited', made_at);
    insert into identity.users (tenant_id, user_id, role_id, email, given_name, family_name, display_name, status, locale, time_zone, created_at, updated_at)
    values (wanted_tenant, new_user_id, admin_role, new_email, new_given_name, new_family_name, new_given_name || ' ' || new_family_name, 'invited', new_locale, new_time_zone, made_at, made_at);
    insert into identity.one_time_tokens (tenant_id, one_time_token_id, user_id, purpose, secret_hash, expires_at, created_at)
    values (wanted_tenant, new_token_id, new_user_id, 'invite', new_token_hash, token_expires_at, made_at);
end
$$;
grant usage on schema identity to rvz_tenancy;
call access.define('identity.provision_tenant(uuid, uuid, text, text, text, text, text, uuid, bytea, timestamptz, timestamptz)', 'rvz_tenancy');
create policy definer on access.roles for all to rvz_definer using (true) with check (true);
create policy definer on access.people for all to rvz_definer using (true) with check (true);
create policy definer on identity.users for all to rvz_definer using (true) with check (true);
create policy definer on identity.one_time_tokens for all to rvz_definer using (true) with check (true);
grant select, insert on access.roles, access.people, identity.users, identity.one_time_tokens to rvz_definer;
