//! The events that this context publishes.

use std::collections::BTreeMap;

use crate::ids::TenantDomainId;
use access::{
    TenantStatus,
    usage::{API_REQUESTS, Metric},
};
use chrono::{DateTime, Utc};
use ids::{ApiKeyId, Id, IdKind, TenantId};
use uuid::Uuid;

use crate::domain::{
    domain_proof::{Method, ReleaseReason},
    month::Month,
};

/// The time in examples: `2026-11-20T10:00:00Z`.
const EXAMPLE_TIME: DateTime<Utc> = DateTime::from_timestamp_nanos(1_795_168_800_000_000_000);

/// An identifier in examples.
fn example_id<K: IdKind>() -> Id<K> {
    Id::from_uuid(Uuid::from_u128(0x019a_b1f2_6d3e_7c11_8e5a_3b1a_2c3d_4e5f))
}

events::events! {
    context "tenancy";
    /// A tenant was created.
    TenantCreated = "tenant.created.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
    }
    /// Master data, licence or settings of a tenant have changed.
    TenantUpdated = "tenant.updated.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The changed fields; those of the licence begin with `license.`, settings with `settings.`.
        changed: Vec<String> = vec!["name".to_owned(), "license.seats".to_owned()],
    }
    /// A tenant is past due. It keeps working, and its admins are warned.
    TenantPastDue = "tenant.past_due.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The status before.
        from: TenantStatus = TenantStatus::Active,
        /// The new status.
        status: TenantStatus = TenantStatus::PastDue,
        /// Always `null`.
        closes_at: Option<DateTime<Utc>> = None,
    }
    /// A tenant was suspended and is read-only.
    TenantSuspended = "tenant.suspended.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The status before.
        from: TenantStatus = TenantStatus::PastDue,
        /// The new status.
        status: TenantStatus = TenantStatus::Suspended,
        /// Always `null`.
        closes_at: Option<DateTime<Utc>> = None,
    }
    /// A tenant was reactivated, or has become active after its trial.
    TenantReactivated = "tenant.reactivated.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The status before.
        from: TenantStatus = TenantStatus::Suspended,
        /// The new status.
        status: TenantStatus = TenantStatus::Active,
        /// Always `null`.
        closes_at: Option<DateTime<Utc>> = None,
    }
    /// A tenant will be closed. Until then its admins can read and export.
    TenantClosing = "tenant.closing.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The status before.
        from: TenantStatus = TenantStatus::Active,
        /// The new status.
        status: TenantStatus = TenantStatus::Closing,
        /// When the tenant will be closed.
        closes_at: Option<DateTime<Utc>> = Some(EXAMPLE_TIME),
    }
    /// A tenant was closed. Every function erases its data.
    TenantClosed = "tenant.closed.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The status before.
        from: TenantStatus = TenantStatus::Closing,
        /// The new status.
        status: TenantStatus = TenantStatus::Closed,
        /// Always `null`.
        closes_at: Option<DateTime<Utc>> = None,
    }
    /// Feature flags have changed.
    FeatureChanged = "feature.changed.v1", subject tenant_id {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// The changed flags, each with whether it is on now.
        changed: BTreeMap<String, bool> = BTreeMap::from([("support".to_owned(), true)]),
    }
    /// Usage has reached a percentage of a limit. Published once per month and threshold.
    QuotaWarning = "quota.warning.v1", subject metric {
        /// The tenant.
        tenant_id: TenantId = example_id(),
        /// What is limited.
        metric: Metric = API_REQUESTS,
        /// The month in UTC.
        #[schema(value_type = String, example = "2026-11")]
        month: Month = Month::of(EXAMPLE_TIME),
        /// The percentage of the limit: 80 or 100.
        threshold: i16 = 80,
        /// The quantity used.
        used: i64 = 850,
        /// The limit.
        limit: i64 = 1_000,
    }
    /// An API key was created.
    ApiKeyCreated = "api_key.created.v1", subject api_key_id {
        /// The key.
        api_key_id: ApiKeyId = example_id(),
    }
    /// The name, IP ranges, expiry or rate limit of an API key have changed.
    ApiKeyUpdated = "api_key.updated.v1", subject api_key_id {
        /// The key.
        api_key_id: ApiKeyId = example_id(),
        /// The changed fields.
        changed: Vec<String> = vec!["expires_at".to_owned()],
    }
    /// An API key has a new secret.
    ApiKeyRotated = "api_key.rotated.v1", subject api_key_id {
        /// The key.
        api_key_id: ApiKeyId = example_id(),
        /// Until when the previous secret is valid. `null` if it no longer is.
        previous_until: Option<DateTime<Utc>> = Some(EXAMPLE_TIME),
    }
    /// An API key expires within 14 days.
    ApiKeyExpiring = "api_key.expiring.v1", subject api_key_id {
        /// The key.
        api_key_id: ApiKeyId = example_id(),
        /// When the key expires.
        expires_at: DateTime<Utc> = EXAMPLE_TIME,
    }
    /// A host was verified and is a CORS origin of the tenant.
    DomainVerified = "domain.verified.v1", subject domain_id {
        /// The domain.
        domain_id: TenantDomainId = example_id(),
        /// The host.
        host: String = "app.muster.example".to_owned(),
        /// How it was verified.
        method: Method = Method::Dns,
    }
    /// The proof of a host is missing.
    DomainFailing = "domain.failing.v1", subject domain_id {
        /// The domain.
        domain_id: TenantDomainId = example_id(),
        /// The host.
        host: String = "app.muster.example".to_owned(),
        /// When the host is released unless the proof is restored.
        released_at: DateTime<Utc> = EXAMPLE_TIME,
    }
    /// A host no longer belongs to the tenant.
    DomainReleased = "domain.released.v1", subject domain_id {
        /// The domain.
        domain_id: TenantDomainId = example_id(),
        /// The host.
        host: String = "app.muster.example".to_owned(),
        /// Why it was released.
        why: ReleaseReason = ReleaseReason::GivenUp,
    }
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked.v1", subject api_key_id {
        /// The key.
        api_key_id: ApiKeyId = example_id(),
    }
}

/// Events of identity that are published here, because the action happens here.
pub mod on_behalf_of_identity {
    use ids::{OneTimeTokenId, UserId};

    use super::example_id;

    events::events! {
        context "identity";
        /// A user was invited. The one-time token is encrypted.
        UserInvited = "user.invited.v1", subject user_id {
            /// The user.
            user_id: UserId = example_id(),
            /// The token of the link.
            one_time_token_id: OneTimeTokenId = example_id(),
            /// The purpose of the link: `invite`.
            purpose: String = "invite".to_owned(),
        }
    }
}
