//! What the outside sees: a file a resource, or one operation with a story of its own.

pub mod api_keys;
pub mod audit_export;
pub mod audit_log;
pub mod audit_verification;
pub mod create_api_key;
pub mod create_tenant;
pub mod domains;
pub mod features;
pub mod founding;
pub mod license;
pub mod licensing;
pub mod life_cycle;
pub mod overage;
pub mod platform_settings;
pub mod record_usage;
pub mod rotate_api_key;
pub mod settings;
pub mod settings_history;
pub mod tenants;
pub mod update_api_key;
pub mod update_features;
pub mod update_license;
pub mod update_tenant;
pub mod usage;
pub mod verify_domain;
pub mod visit;
