//! What this context announces. It listens to the end of a tenant, as every function does that has rows of it.

events::kinds! {
    context "tenancy";
    /// A tenant was founded.
    TENANT_CREATED = "tenant.created.v1";
    /// Master data, licence or settings of a tenant changed; `changed` names the fields.
    TENANT_UPDATED = "tenant.updated.v1";
    /// A tenant owes: it works on, and is warned.
    TENANT_PAST_DUE = "tenant.past_due.v1";
    /// A tenant reads, and changes nothing.
    TENANT_SUSPENDED = "tenant.suspended.v1";
    /// A tenant was set to work again, or after its trial for good.
    TENANT_REACTIVATED = "tenant.reactivated.v1";
    /// A tenant ends at `closes_at`; until then its admins read and export.
    TENANT_CLOSING = "tenant.closing.v1";
    /// A tenant is closed: every function erases what it has of it.
    TENANT_CLOSED = "tenant.closed.v1";
    /// Features were switched; `changed` maps each flag to whether it is on now.
    FEATURE_CHANGED = "feature.changed.v1";
    /// So much of a licence's limit was used this month; `threshold` is 80 or 100 percent, and each comes once a month.
    QUOTA_WARNING = "quota.warning.v1";
    /// An API key was made.
    API_KEY_CREATED = "api_key.created.v1";
    /// An API key has another name, other ranges, another end or another limit.
    API_KEY_UPDATED = "api_key.updated.v1";
    /// An API key has another secret; the one before is good until `previous_until`.
    API_KEY_ROTATED = "api_key.rotated.v1";
    /// An API key ends within 14 days.
    API_KEY_EXPIRING = "api_key.expiring.v1";
    /// A host was proved to be a tenant's: it is a CORS origin from now on.
    DOMAIN_VERIFIED = "domain.verified.v1";
    /// The proof of a host is not found any more; it is let go of at `released_at` unless it comes back.
    DOMAIN_FAILING = "domain.failing.v1";
    /// A host is no tenant's any more: its tenant let go of it, or its proof stayed away.
    DOMAIN_RELEASED = "domain.released.v1";
    /// An API key was revoked.
    API_KEY_REVOKED = "api_key.revoked.v1";
}

/// Announced here because the act happens here, in the name of the context whose row it is.
pub mod on_behalf_of_identity {
    events::kinds! {
        context "identity";
        /// A person was invited; the one-time token travels sealed.
        USER_INVITED = "user.invited.v1";
    }
}
