-- Second factors: authenticator apps (TOTP), passkeys, recovery codes, sign-ins that wait for a factor; when a session was last proved,
-- and whether its person has a factor, where every function can see it.
--
-- A TOTP secret is stored encrypted under the master key; recovery codes, the tokens of waiting sign-ins and challenges as
-- hashes only; of a passkey there is only the public half.
-- Sessions that exist were last proved when they began, which is what `proved_at is null` means; nobody has a factor yet.

alter table access.sessions add column proved_at timestamptz;
alter table access.people add column second_factor boolean not null default false;

-- One authenticator app a person. Until it is confirmed it ends at `expires_at`. `last_step`: the newest 30 seconds whose code
-- was used; codes of those and of older ones are worthless.
create table identity.mfa_totp (
    tenant_id uuid not null,
    user_id uuid not null,
    secret_sealed bytea not null,
    last_step bigint not null default 0,
    expires_at timestamptz,
    confirmed_at timestamptz,
    created_at timestamptz not null,
    constraint mfa_totp_pkey primary key (tenant_id, user_id),
    constraint mfa_totp_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint mfa_totp_confirmed_check check ((confirmed_at is null) = (expires_at is not null))
);
call access.protect('identity.mfa_totp', 'rvz_identity');
grant select, insert, update, delete on identity.mfa_totp to rvz_identity;

create table identity.mfa_recovery_codes (
    tenant_id uuid not null,
    user_id uuid not null,
    code_hash bytea not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint mfa_recovery_codes_pkey primary key (tenant_id, user_id, code_hash),
    constraint mfa_recovery_codes_user_fkey foreign key (tenant_id, user_id) references identity.users
);
call access.protect('identity.mfa_recovery_codes', 'rvz_identity');
grant select, insert, update, delete on identity.mfa_recovery_codes to rvz_identity;

-- A sign-in whose first proof was right and whose second is awaited; what the client said of its device is remembered.
create table identity.mfa_challenges (
    tenant_id uuid not null,
    mfa_challenge_id uuid not null,
    user_id uuid not null,
    secret_hash bytea not null,
    amr text[] not null,
    refresh_mode text not null,
    device_name text,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint mfa_challenges_pkey primary key (tenant_id, mfa_challenge_id),
    constraint mfa_challenges_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint mfa_challenges_refresh_mode_check check (refresh_mode in ('body', 'cookie'))
);
create index mfa_challenges_user_idx on identity.mfa_challenges (tenant_id, user_id);
call access.protect('identity.mfa_challenges', 'rvz_identity');
grant select, insert, update, delete on identity.mfa_challenges to rvz_identity;

-- A passkey: the key of an authenticator, good on pages of `rp_id` (WebAuthn's relying party).
create table identity.passkeys (
    tenant_id uuid not null,
    passkey_id uuid not null,
    user_id uuid not null,
    rp_id text not null,
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    last_used_at timestamptz,
    created_at timestamptz not null,
    constraint passkeys_pkey primary key (tenant_id, passkey_id),
    constraint passkeys_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint passkeys_credential_key unique (tenant_id, credential_id)
);
create index passkeys_user_idx on identity.passkeys (tenant_id, user_id);
call access.protect('identity.passkeys', 'rvz_identity');
grant select, insert, update, delete on identity.passkeys to rvz_identity;

-- What an authenticator was asked to sign; gone with its use. Without a person it asks who is there.
create table identity.passkey_challenges (
    tenant_id uuid not null,
    passkey_challenge_id uuid not null,
    user_id uuid,
    secret_hash bytea not null,
    expires_at timestamptz not null,
    constraint passkey_challenges_pkey primary key (tenant_id, passkey_challenge_id),
    constraint passkey_challenges_user_fkey foreign key (tenant_id, user_id) references identity.users
);
create index passkey_challenges_user_idx on identity.passkey_challenges (tenant_id, user_id);
create index passkey_challenges_expires_idx on identity.passkey_challenges (tenant_id, expires_at);
call access.protect('identity.passkey_challenges', 'rvz_identity');
grant select, insert, update, delete on identity.passkey_challenges to rvz_identity;

call access.grant_builtin('identity.user.reset_mfa', superadmin => 'all', admin => 'all');
