//! Sessions: tokens and cookies, refresh, sign-out, devices, and the public keys of access tokens.

pub(crate) mod cookie;
pub(crate) mod devices;
pub(crate) mod jwks;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod session;
