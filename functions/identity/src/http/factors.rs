//! Second factors: authenticator app, passkeys, recovery codes, and reauthentication with any of them.

pub(crate) mod passkey_assertion;
pub(crate) mod passkeys;
pub(crate) mod reauthenticate;
pub(crate) mod recovery_codes;
pub(crate) mod relying_party;
pub(crate) mod second_factor;
pub(crate) mod totp;
