//! Erasure of a closed tenant: all users and their data.
//!
//! `access.people` and `access.roles` are erased last, because rows of other functions refer to them. Only the identifiers of users
//! remain, in the audit log.

use events::Erasure;

/// The data that this context erases.
pub static ERASURE: Erasure = Erasure {
    function: "identity",
    tables: &[
        "identity.certificate_notices",
        "identity.hourly_rates",
        "identity.expertise",
        "identity.oauth_flows",
        "identity.oauth_identities",
        "identity.passkey_challenges",
        "identity.passkeys",
        "identity.mfa_challenges",
        "identity.mfa_recovery_codes",
        "identity.mfa_totp",
        "identity.one_time_tokens",
        "identity.sessions",
        "identity.users",
        "access.sessions",
        "access.people",
        "access.roles",
    ],
};
