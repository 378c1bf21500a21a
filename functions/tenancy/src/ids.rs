//! The identifiers that only this context knows.

::ids::ids! {
    /// A host name claimed by a tenant.
    TenantDomain => TenantDomainId, "tenant_domain";
    /// A licence of a tenant.
    License => LicenseId, "license";
}
