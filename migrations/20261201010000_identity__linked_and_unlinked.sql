-- Unlinking an identity stays: its row is kept with the time, so that the same subject is not linked again by its mail address.
-- The address itself is deleted then. Existing rows are linked.
--
-- A session can end because someone else replaced the address of the account.

alter table identity.oauth_identities
    add column unlinked_at timestamptz;
grant update (user_id, oauth_identity_id, provider, email, created_at, unlinked_at) on identity.oauth_identities to rvz_identity;

alter table identity.sessions
    drop constraint sessions_revoked_reason_check;
alter table identity.sessions
    add constraint sessions_revoked_reason_check
    check (revoked_reason in ('logout', 'logout_all', 'reuse_detected', 'password_changed', 'disabled', 'expired', 'email_replaced')) not valid;
alter table identity.sessions
    validate constraint sessions_revoked_reason_check;
