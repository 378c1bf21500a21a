//! The routes of this context.

use web::openapi::Routes;

use crate::{
    App, error,
    http::{
        api_keys, audit_export, audit_log, audit_verification, create_api_key, create_tenant,
        domains, features, license, life_cycle, platform_settings, record_usage, rotate_api_key,
        settings, settings_history, tenants, update_api_key, update_features, update_license,
        update_tenant, usage, verify_domain,
    },
};

/// Refusals of the steps of a tenant's life cycle.
const STEP_REFUSALS: &[&web::ProblemKind] = &[&error::STEP_NOT_POSSIBLE, &error::PLATFORM_TENANT];

/// All routes.
pub(crate) fn routes() -> Routes<App> {
    web::routes! {
        tenants: list_tenants, get_tenant;
        create_tenant: create_tenant;
        update_tenant: update_tenant;
        life_cycle: mark_tenant_past_due, suspend_tenant, reactivate_tenant, close_tenant;
        settings: get_settings, update_settings;
        settings_history: list_settings_history;
        platform_settings: get_platform_settings, update_platform_settings;
        features: list_features, get_features;
        update_features: update_features;
        license: get_license, list_licenses;
        update_license: update_license;
        usage: get_usage;
        record_usage: record_usage;
        api_keys: list_api_keys, get_api_key, revoke_api_key;
        create_api_key: create_api_key;
        update_api_key: update_api_key;
        rotate_api_key: rotate_api_key;
        domains: list_domains, claim_domain, release_domain;
        verify_domain: verify_domain;
        audit_log: list_audit_log;
        audit_export: export_audit_log;
        audit_verification: verify_audit_log;
    }
    .refuses("create_tenant", &[&error::SLUG_TAKEN])
    .refuses("mark_tenant_past_due", STEP_REFUSALS)
    .refuses("suspend_tenant", STEP_REFUSALS)
    .refuses("reactivate_tenant", STEP_REFUSALS)
    .refuses("close_tenant", STEP_REFUSALS)
    .refuses("create_api_key", &[&error::SCOPE_EXCEEDS_PERMISSIONS])
    .refuses("update_api_key", &[&error::SCOPE_EXCEEDS_PERMISSIONS])
    .refuses(
        "rotate_api_key",
        &[&error::SCOPE_EXCEEDS_PERMISSIONS, &error::API_KEY_EXPIRED],
    )
    .refuses(
        "claim_domain",
        &[&error::DOMAIN_KNOWN, &error::TOO_MANY_DOMAINS],
    )
    .refuses(
        "verify_domain",
        &[&error::DOMAIN_NOT_PROVED, &error::DOMAIN_TAKEN],
    )
}
