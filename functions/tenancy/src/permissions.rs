//! What a caller may be allowed to do here; the migration says which built-in role may.

access::permissions! {
    feature None;
    /// Founds tenants.
    TenantCreate = "tenancy.tenant.create";
    /// Reads the master data of the tenant.
    TenantRead = "tenancy.tenant.read";
    /// Changes the master data of the tenant.
    TenantUpdate = "tenancy.tenant.update";
    /// Suspends tenants and sets them to work again.
    TenantSuspend = "tenancy.tenant.suspend";
    /// Closes the tenant.
    TenantClose = "tenancy.tenant.close";
    /// Changes what was agreed with the platform: licence, seats, domain.
    LicenseUpdate = "tenancy.license.update";
    /// Reads the licences of the tenant.
    LicenseRead = "tenancy.license.read";
    /// Reads what the tenant has used.
    UsageRead = "tenancy.usage.read";
    /// Tells what the tenant has used.
    UsageRecord = "tenancy.usage.record";
    /// Reads the settings of the tenant.
    SettingsRead = "tenancy.settings.read";
    /// Changes the settings of the tenant.
    SettingsUpdate = "tenancy.settings.update";
    /// Reads the settings that hold for every tenant.
    PlatformRead = "tenancy.platform.read";
    /// Changes the settings that hold for every tenant.
    PlatformUpdate = "tenancy.platform.update";
    /// Reads the feature flags of the tenant with their roll-out and end.
    FeatureRead = "tenancy.feature.read";
    /// Switches features on and off.
    FeatureUpdate = "tenancy.feature.update";
    /// Reads API keys, without their secrets.
    ApiKeyRead = "tenancy.api_key.read";
    /// Makes API keys.
    ApiKeyCreate = "tenancy.api_key.create";
    /// Changes and rotates API keys.
    ApiKeyUpdate = "tenancy.api_key.update";
    /// Revokes API keys.
    ApiKeyRevoke = "tenancy.api_key.revoke";
    /// Reads the domains of the tenant.
    DomainRead = "tenancy.domain.read";
    /// Claims, proves and lets go of domains of the tenant.
    DomainUpdate = "tenancy.domain.update";
    /// Reads the audit log of the tenant.
    AuditRead = "tenancy.audit.read";
}
