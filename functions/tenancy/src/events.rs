//! The events that this context publishes.

events::kinds! {
    context "tenancy";
    /// A tenant was created.
    TENANT_CREATED = "tenant.created.v1";
    /// Master data, licence or settings of a tenant have changed. `changed` lists the fields.
    TENANT_UPDATED = "tenant.updated.v1";
    /// A tenant is past due. It keeps working, and its admins are warned.
    TENANT_PAST_DUE = "tenant.past_due.v1";
    /// A tenant was suspended and is read-only.
    TENANT_SUSPENDED = "tenant.suspended.v1";
    /// A tenant was reactivated, or has become active after its trial.
    TENANT_REACTIVATED = "tenant.reactivated.v1";
    /// A tenant will be closed at `closes_at`. Until then its admins can read and export.
    TENANT_CLOSING = "tenant.closing.v1";
    /// A tenant was closed. Every function erases its data.
    TENANT_CLOSED = "tenant.closed.v1";
    /// Feature flags have changed. `changed` maps each flag to whether it is on now.
    FEATURE_CHANGED = "feature.changed.v1";
    /// Usage has reached `threshold` (80 or 100) percent of a limit. Published once per month and threshold.
    QUOTA_WARNING = "quota.warning.v1";
    /// An API key was created.
    API_KEY_CREATED = "api_key.created.v1";
    /// The name, IP ranges, expiry or rate limit of an API key have changed.
    API_KEY_UPDATED = "api_key.updated.v1";
    /// An API key has a new secret. The previous one is valid until `previous_until`.
    API_KEY_ROTATED = "api_key.rotated.v1";
    /// An API key expires within 14 days.
    API_KEY_EXPIRING = "api_key.expiring.v1";
    /// A host was verified and is a CORS origin of the tenant.
    DOMAIN_VERIFIED = "domain.verified.v1";
    /// The proof of a host is missing. The host is released at `released_at` unless the proof is restored.
    DOMAIN_FAILING = "domain.failing.v1";
    /// A host no longer belongs to the tenant, because it was released or its proof was missing for too long.
    DOMAIN_RELEASED = "domain.released.v1";
    /// An API key was revoked.
    API_KEY_REVOKED = "api_key.revoked.v1";
}

/// Events of identity that are published here, because the action happens here.
pub mod on_behalf_of_identity {
    events::kinds! {
        context "identity";
        /// A user was invited. The one-time token is encrypted.
        USER_INVITED = "user.invited.v1";
    }
}
