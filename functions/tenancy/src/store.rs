//! Rows and SQL: plain functions over a transaction of one tenant.

pub(crate) mod api_keys;
pub(crate) mod audit_chain;
pub(crate) mod audit_log;
pub(crate) mod directory;
pub(crate) mod domains;
pub(crate) mod flags;
pub(crate) mod licenses;
pub(crate) mod platform_settings;
pub(crate) mod roles;
pub(crate) mod seats;
pub(crate) mod settings;
pub(crate) mod settings_overrides;
pub(crate) mod tenants;
pub(crate) mod usage;
