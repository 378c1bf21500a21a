//! Every route of this context.

use web::openapi::Routes;

use crate::{
    App, error,
    http::{
        api_keys, audit_export, audit_log, audit_verification, create_api_key, create_tenant,
        features, license, record_usage, settings, tenants, update_features, update_license,
        update_tenant, usage,
    },
};

/// All of them.
pub(crate) fn routes() -> Routes<App> {
    web::routes! {
        tenants: list_tenants, get_tenant;
        create_tenant: create_tenant;
        update_tenant: update_tenant;
        settings: get_settings, update_settings;
        features: list_features, get_features;
        update_features: update_features;
        license: get_license, list_licenses;
        update_license: update_license;
        usage: get_usage;
        record_usage: record_usage;
        api_keys: list_api_keys, get_api_key, revoke_api_key;
        create_api_key: create_api_key;
        audit_log: list_audit_log;
        audit_export: export_audit_log;
        audit_verification: verify_audit_log;
    }
    .refuses("create_tenant", &[&error::SLUG_TAKEN])
    .refuses(
        "create_api_key",
        &[
            &error::SCOPE_EXCEEDS_PERMISSIONS,
            &access::problems::REAUTHENTICATION_NEEDED,
        ],
    )
}
