//! Sign-in with a password or a passkey, and the second factor that may follow.

pub(crate) mod client;
pub(crate) mod first_factor;
pub(crate) mod flow;
pub(crate) mod login;
pub(crate) mod mfa;
pub(crate) mod passkey_login;
