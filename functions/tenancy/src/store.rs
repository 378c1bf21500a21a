//! SQL, and nothing else: plain functions over a transaction of one tenant.

pub mod api_keys;
pub mod audit_chain;
pub mod audit_log;
pub mod directory;
pub mod domains;
pub mod flags;
pub mod licenses;
pub mod platform_settings;
pub mod roles;
pub mod seats;
pub mod settings;
pub mod tenants;
pub mod usage;
