-- Signing in with Google, Apple, and any other issuer that speaks OpenID Connect.
--
-- Who somebody is there is the pair of issuer and subject, never the mail address: addresses change hands. The address at the
-- time of linking is kept for the person's own eyes. Nothing of the issuer's tokens is stored.
--
-- A flow has a row only from the moment its answer comes back: the row makes the state good once on every process, and then
-- holds the hash of the code that the page redeems. What a flow needs before that is sealed in the browser's cookie. No rows
-- exist yet.

create table identity.oauth_identities (
    tenant_id uuid not null,
    oauth_identity_id uuid not null,
    user_id uuid not null,
    provider text not null,
    issuer text not null,
    subject text not null,
    email text,
    created_at timestamptz not null,
    constraint oauth_identities_pkey primary key (tenant_id, oauth_identity_id),
    constraint oauth_identities_subject_key unique (tenant_id, issuer, subject),
    constraint oauth_identities_user_fkey foreign key (tenant_id, user_id) references identity.users
);
create index oauth_identities_user_idx on identity.oauth_identities (tenant_id, user_id, created_at);
call access.protect('identity.oauth_identities', 'rvz_identity');
grant select, insert, delete on identity.oauth_identities to rvz_identity;

-- `linking`: the code does not sign in but adds issuer and subject to the person who asked for it.
create table identity.oauth_flows (
    tenant_id uuid not null,
    oauth_flow_id uuid not null,
    provider text not null,
    user_id uuid,
    linking boolean not null default false,
    issuer text,
    subject text,
    email text,
    challenge bytea,
    code_hash bytea,
    expires_at timestamptz,
    redeemed_at timestamptz,
    created_at timestamptz not null,
    constraint oauth_flows_pkey primary key (tenant_id, oauth_flow_id),
    constraint oauth_flows_tenant_fkey foreign key (tenant_id) references access.tenants,
    constraint oauth_flows_user_fkey foreign key (tenant_id, user_id) references identity.users,
    constraint oauth_flows_code_check check (code_hash is null or (user_id is not null and expires_at is not null)),
    constraint oauth_flows_linking_check check (not linking or (issuer is not null and subject is not null))
);
create index oauth_flows_created_idx on identity.oauth_flows (tenant_id, created_at);
call access.protect('identity.oauth_flows', 'rvz_identity');
grant select, insert, update, delete on identity.oauth_flows to rvz_identity;
