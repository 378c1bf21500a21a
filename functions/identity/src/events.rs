//! What this context announces. Data are identifiers and plain words, never names or addresses.
//!
//! A one-time link travels in `sealed`: its token's text, encrypted under `Purpose::Notifications` with the tenant's 16 bytes
//! as context, blanked after delivery.

events::kinds! {
    context "identity";
    /// Somebody registered and has to prove the address; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`, `consents`.
    USER_REGISTERED = "user.registered.v1";
    /// Somebody was invited; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    USER_INVITED = "user.invited.v1";
    /// An account can be signed in to from now on. Data: `user_id`.
    USER_ACTIVATED = "user.activated.v1";
    /// People were brought along from another system; for those who were invited by it there is an event each besides. Data: `created`
    /// and `updated`, identifiers of at most 500 people together.
    USERS_IMPORTED = "user.imported.v1";
    /// A profile changed. Data: `user_id`, `fields`.
    USER_UPDATED = "user.updated.v1";
    /// An account was disabled, and its sessions ended. Data: `user_id`.
    USER_DISABLED = "user.disabled.v1";
    /// Somebody has another role. Data: `user_id`, `from`, `to`.
    USER_ROLE_CHANGED = "user.role_changed.v1";
    /// A role was made. Data: `role_id`.
    ROLE_CREATED = "role.created.v1";
    /// A role may do something else, or is called or built otherwise. Data: `role_id`.
    ROLE_UPDATED = "role.updated.v1";
    /// A role is gone; nobody had it. Data: `role_id`.
    ROLE_DELETED = "role.deleted.v1";
    /// Somebody looks at the person's account as that person sees it. Data: `user_id`, `session_id`, `minutes`.
    SESSION_IMPERSONATED = "session.impersonated.v1";
    /// A certificate ends within 30 days. Data: `user_id`, `skill`, `valid_until`.
    CERTIFICATE_EXPIRING = "certificate.expiring.v1";
    /// Somebody has one more second factor. Data: `user_id`, `method`.
    MFA_ENABLED = "mfa.enabled.v1";
    /// Somebody has one second factor fewer, or none. Data: `user_id`, `method` (`all` when an admin took every one), `second_factor`.
    MFA_DISABLED = "mfa.disabled.v1";
    /// Somebody registered before, has not proved the address yet, and wants the link again; it is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    VERIFICATION_REQUESTED = "email.verification_requested.v1";
    /// Somebody wants another address; the link is sealed together with that address, a line each. Data: `user_id`, `one_time_token_id`, `purpose`.
    EMAIL_CHANGE_REQUESTED = "email.change_requested.v1";
    /// Somebody forgot the password; the link is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    PASSWORD_RESET_REQUESTED = "password.reset_requested.v1";
    /// Somebody has another password. Data: `user_id`.
    PASSWORD_CHANGED = "password.changed.v1";
    /// Somebody wants to sign in by link; it is sealed. Data: `user_id`, `one_time_token_id`, `purpose`.
    MAGIC_LINK_REQUESTED = "magic_link.requested.v1";
    /// Somebody signed in with a program or device that they never used before. Data: `user_id`, `session_id`, `device`: plain words.
    SESSION_NEW_DEVICE = "session.new_device.v1";
    /// A replaced refresh token was used again: the session is dead. Data: `user_id`, `session_id`.
    SESSION_REUSE_DETECTED = "session.reuse_detected.v1";
}
