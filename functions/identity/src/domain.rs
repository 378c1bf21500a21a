//! Rules without HTTP and SQL.

pub(crate) mod authority;
pub(crate) mod common_passwords;
pub(crate) mod device;
pub(crate) mod expertise;
pub(crate) mod link_binding;
pub(crate) mod name;
pub(crate) mod password;
pub(crate) mod password_hash;
pub(crate) mod phone;
pub(crate) mod refresh_token;
pub(crate) mod status;
pub(crate) mod tenant_rules;
pub(crate) mod throttle;
