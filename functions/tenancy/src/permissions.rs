//! The permissions of this context. The migrations grant them to the built-in roles.

access::permissions! {
    feature None;
    /// Create tenants.
    TenantCreate = "tenancy.tenant.create", audited;
    /// View the master data of the tenant.
    TenantRead = "tenancy.tenant.read";
    /// Change the master data of the tenant.
    TenantUpdate = "tenancy.tenant.update", audited;
    /// Suspend and reactivate tenants.
    TenantSuspend = "tenancy.tenant.suspend", audited, recent_authentication;
    /// Close the tenant. A faulty script cannot do it.
    TenantClose = "tenancy.tenant.close", audited, recent_authentication;
    /// Change what is agreed with the platform: licence, seats and domain.
    LicenseUpdate = "tenancy.license.update", audited;
    /// View the licences of the tenant.
    LicenseRead = "tenancy.license.read";
    /// View the usage of the tenant.
    UsageRead = "tenancy.usage.read";
    /// Record usage of the tenant.
    UsageRecord = "tenancy.usage.record";
    /// View the settings of the tenant.
    SettingsRead = "tenancy.settings.read";
    /// Change the settings of the tenant.
    SettingsUpdate = "tenancy.settings.update", audited, recent_authentication;
    /// View the platform settings.
    PlatformRead = "tenancy.platform.read";
    /// Change the platform settings.
    PlatformUpdate = "tenancy.platform.update", audited, recent_authentication;
    /// View the feature flags of the tenant.
    FeatureRead = "tenancy.feature.read";
    /// Switch features on and off.
    FeatureUpdate = "tenancy.feature.update", audited;
    /// View API keys, without their secrets.
    ApiKeyRead = "tenancy.api_key.read";
    /// Create API keys.
    ApiKeyCreate = "tenancy.api_key.create", audited, recent_authentication;
    /// Change and rotate API keys.
    ApiKeyUpdate = "tenancy.api_key.update", audited, recent_authentication;
    /// Revoke API keys.
    ApiKeyRevoke = "tenancy.api_key.revoke", audited;
    /// View the domains of the tenant.
    DomainRead = "tenancy.domain.read";
    /// Claim, verify and release domains of the tenant.
    DomainUpdate = "tenancy.domain.update", audited, recent_authentication;
    /// View the audit log of the tenant.
    AuditRead = "tenancy.audit.read", open_to_keys;
}
