-- Unlinking an identity stays: its row is kept with the time, so that the same subject is not linked again by its mail address.
-- The address itself is deleted then. Existing rows are linked.

alter table identity.oauth_identities
    add column unlinked_at timestamptz;
grant update (user_id, oauth_identity_id, provider, email, created_at, unlinked_at) on identity.oauth_identities to rvz_identity;
