//! What this context announces. It listens to nothing.

events::kinds! {
    context "tenancy";
    /// A tenant was founded.
    TENANT_CREATED = "tenant.created.v1";
    /// Master data, licence or settings of a tenant changed; `changed` names the fields.
    TENANT_UPDATED = "tenant.updated.v1";
    /// Features were switched; `changed` maps each flag to whether it is on now.
    FEATURE_CHANGED = "feature.changed.v1";
    /// So much of a licence's limit was used this month; `threshold` is 80 or 100 percent, and each comes once a month.
    QUOTA_WARNING = "quota.warning.v1";
    /// An API key was made.
    API_KEY_CREATED = "api_key.created.v1";
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
