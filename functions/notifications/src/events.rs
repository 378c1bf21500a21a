//! The events that this context consumes, each with the fields that it reads. It publishes none yet.

use chrono::{DateTime, Utc};
use ids::{ApiKeyId, TicketId, UserId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

::events::events! {
    context "notifications";
}

const EMAIL_CHANGE_REQUESTED: &str = "de.revalenz.identity.email.change_requested.v1";

/// The actor of an event; the kind does not matter here.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Author {
    pub(crate) id: Option<Uuid>,
}

::events::consumed_events! {
    /// A ticket was created.
    TicketCreated = ["de.revalenz.support.ticket.created.v1"] {
        ticket_id: TicketId,
        number: String,
        requester_id: Option<UserId>,
        assigned_to: Option<UserId>,
        #[serde(default)]
        author: Author,
    }
    /// A comment was added to a ticket.
    TicketCommented = ["de.revalenz.support.ticket.commented.v1"] {
        ticket_id: TicketId,
        number: String,
        requester_id: Option<UserId>,
        assigned_to: Option<UserId>,
        visibility: String,
        #[serde(default)]
        author: Author,
    }
    /// The assignee of a ticket changed.
    TicketAssigned = ["de.revalenz.support.ticket.assigned.v1"] {
        ticket_id: TicketId,
        #[serde(default)]
        number: Option<String>,
        assigned_to: Option<UserId>,
        #[serde(default)]
        author: Author,
    }
    /// A ticket was resolved.
    TicketResolved = ["de.revalenz.support.ticket.resolved.v1"] {
        ticket_id: TicketId,
        #[serde(default)]
        number: Option<String>,
        requester_id: Option<UserId>,
        #[serde(default)]
        author: Author,
    }
    /// A ticket was closed.
    TicketClosed = ["de.revalenz.support.ticket.closed.v1"] {
        ticket_id: TicketId,
        #[serde(default)]
        number: Option<String>,
        requester_id: Option<UserId>,
        #[serde(default)]
        author: Author,
    }
    /// A user needs a one-time link, which is sealed.
    LinkRequested = [
        "de.revalenz.identity.user.registered.v1",
        "de.revalenz.identity.user.invited.v1",
        "de.revalenz.identity.email.verification_requested.v1",
        "de.revalenz.identity.password.reset_requested.v1",
        "de.revalenz.identity.magic_link.requested.v1",
        EMAIL_CHANGE_REQUESTED,
    ] {
        user_id: UserId,
        purpose: String,
    }
    /// Someone started to view a user's account.
    SessionImpersonated = ["de.revalenz.identity.session.impersonated.v1"] {
        user_id: UserId,
    }
    /// A user added a second factor.
    MfaEnabled = ["de.revalenz.identity.mfa.enabled.v1"] {
        user_id: UserId,
    }
    /// A second factor of a user was removed.
    MfaDisabled = ["de.revalenz.identity.mfa.disabled.v1"] {
        user_id: UserId,
    }
    /// A user requested a new email address.
    EmailChangeRequested = [EMAIL_CHANGE_REQUESTED] {
        user_id: UserId,
    }
    /// Someone else replaced a user's email address; the old one is sealed.
    EmailReplaced = ["de.revalenz.identity.email.replaced.v1"] {
        user_id: UserId,
    }
    /// A user's role was changed.
    UserRoleChanged = ["de.revalenz.identity.user.role_changed.v1"] {
        user_id: UserId,
        to: String,
    }
    /// An account at a provider can be used to sign in.
    IdentityLinked = ["de.revalenz.identity.identity.linked.v1"] {
        user_id: UserId,
        provider: String,
    }
    /// An account at a provider can no longer be used to sign in.
    IdentityUnlinked = ["de.revalenz.identity.identity.unlinked.v1"] {
        user_id: UserId,
        provider: String,
    }
    /// A user used a recovery code.
    RecoveryCodeUsed = ["de.revalenz.identity.mfa.recovery_code_used.v1"] {
        user_id: UserId,
        left: i64,
    }
    /// A user's password was changed.
    PasswordChanged = ["de.revalenz.identity.password.changed.v1"] {
        user_id: UserId,
    }
    /// A user signed in from a new device.
    SessionNewDevice = ["de.revalenz.identity.session.new_device.v1"] {
        user_id: UserId,
        device: Option<String>,
    }
    /// A quota is nearly or fully used.
    QuotaWarning = ["de.revalenz.tenancy.quota.warning.v1"] {
        metric: String,
        threshold: i16,
    }
    /// An organisation is past due.
    TenantPastDue = ["de.revalenz.tenancy.tenant.past_due.v1"] {}
    /// An organisation was suspended.
    TenantSuspended = ["de.revalenz.tenancy.tenant.suspended.v1"] {}
    /// An organisation was reactivated.
    TenantReactivated = ["de.revalenz.tenancy.tenant.reactivated.v1"] {}
    /// An organisation will be closed.
    TenantClosing = ["de.revalenz.tenancy.tenant.closing.v1"] {
        closes_at: Option<DateTime<Utc>>,
    }
    /// An API key expires soon.
    ApiKeyExpiring = ["de.revalenz.tenancy.api_key.expiring.v1"] {
        api_key_id: ApiKeyId,
        expires_at: DateTime<Utc>,
    }
    /// The proof of a host is missing.
    DomainFailing = ["de.revalenz.tenancy.domain.failing.v1"] {
        host: String,
        released_at: DateTime<Utc>,
    }
    /// A host no longer belongs to the organisation.
    DomainReleased = ["de.revalenz.tenancy.domain.released.v1"] {
        host: String,
        why: String,
    }
}
