//! What goes when a tenant is closed: everybody in it, and all that belongs to them.
//!
//! `access.people` and `access.roles` come last: other functions' rows refer to them, so they wait until those are gone, too.
//! Of a person nothing stays but the identifier in the audit log.

use events::Erasure;

/// What this context erases.
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
