//! The events of this context. Their data are identifiers and plain words, never names or email addresses.
//!
//! A one-time link is sent in `sealed`: the token's text, encrypted under `Purpose::Notifications` with the tenant's 16 bytes
//! as context, and erased after delivery.

events::kinds! {
    context "identity";
    /// A user registered and must verify the email address; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`, `consents`.
    USER_REGISTERED = "user.registered.v1";
    /// A user was invited; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    USER_INVITED = "user.invited.v1";
    /// An account became active and can sign in. Data: `user_id`.
    USER_ACTIVATED = "user.activated.v1";
    /// Users were imported from another system; users invited by the import also have an event of their own. Data: `created` and
    /// `updated`, identifiers of at most 500 users together.
    USERS_IMPORTED = "user.imported.v1";
    /// A profile was changed. Data: `user_id`, `fields`.
    USER_UPDATED = "user.updated.v1";
    /// An account was disabled and its sessions were ended. Data: `user_id`.
    USER_DISABLED = "user.disabled.v1";
    /// A user's role was changed. Data: `user_id`, `from`, `to`.
    USER_ROLE_CHANGED = "user.role_changed.v1";
    /// A role was created. Data: `role_id`.
    ROLE_CREATED = "role.created.v1";
    /// A role's name, permissions or base role changed. Data: `role_id`.
    ROLE_UPDATED = "role.updated.v1";
    /// A role that was no longer assigned was deleted. Data: `role_id`.
    ROLE_DELETED = "role.deleted.v1";
    /// An admin or staff member started to view a user's account as that user. Data: `user_id`, `session_id`, `minutes`.
    SESSION_IMPERSONATED = "session.impersonated.v1";
    /// A certificate expires within 30 days. Data: `user_id`, `skill`, `valid_until`.
    CERTIFICATE_EXPIRING = "certificate.expiring.v1";
    /// A user added a second factor. Data: `user_id`, `method`.
    MFA_ENABLED = "mfa.enabled.v1";
    /// A second factor was removed. Data: `user_id`, `method` (`all` when an admin removed all of them), `second_factor` (whether any remain).
    MFA_DISABLED = "mfa.disabled.v1";
    /// A registered user whose email address is not verified yet requested the link again; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    VERIFICATION_REQUESTED = "email.verification_requested.v1";
    /// A user requested a new email address; `sealed` holds the link and the new address, one per line. Data: `user_id`, `one_time_token_id`, `purpose`.
    EMAIL_CHANGE_REQUESTED = "email.change_requested.v1";
    /// A user requested a password reset; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    PASSWORD_RESET_REQUESTED = "password.reset_requested.v1";
    /// A user's password was changed. Data: `user_id`.
    PASSWORD_CHANGED = "password.changed.v1";
    /// A user requested a sign-in link; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    MAGIC_LINK_REQUESTED = "magic_link.requested.v1";
    /// A user signed in with a browser, program or device not used before. Data: `user_id`, `session_id`, `device` (a plain description).
    SESSION_NEW_DEVICE = "session.new_device.v1";
    /// A replaced refresh token was used again, so the session was ended. Data: `user_id`, `session_id`.
    SESSION_REUSE_DETECTED = "session.reuse_detected.v1";
}
