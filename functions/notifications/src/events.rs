//! The event types that this context consumes. It publishes none yet.
//!
//! Functions depend on each other through events only, so the types are declared here as their publishers write them.

events::kinds! {
    context "notifications";
}

pub(crate) const TICKET_CREATED: &str = "de.revalenz.support.ticket.created.v1";
pub(crate) const TICKET_COMMENTED: &str = "de.revalenz.support.ticket.commented.v1";
pub(crate) const SESSION_IMPERSONATED: &str = "de.revalenz.identity.session.impersonated.v1";
pub(crate) const USER_REGISTERED: &str = "de.revalenz.identity.user.registered.v1";
pub(crate) const MFA_DISABLED: &str = "de.revalenz.identity.mfa.disabled.v1";
pub(crate) const MFA_ENABLED: &str = "de.revalenz.identity.mfa.enabled.v1";
pub(crate) const USER_INVITED: &str = "de.revalenz.identity.user.invited.v1";
pub(crate) const VERIFICATION_REQUESTED: &str =
    "de.revalenz.identity.email.verification_requested.v1";
pub(crate) const PASSWORD_RESET_REQUESTED: &str =
    "de.revalenz.identity.password.reset_requested.v1";
pub(crate) const MAGIC_LINK_REQUESTED: &str = "de.revalenz.identity.magic_link.requested.v1";
pub(crate) const EMAIL_CHANGE_REQUESTED: &str = "de.revalenz.identity.email.change_requested.v1";
pub(crate) const PASSWORD_CHANGED: &str = "de.revalenz.identity.password.changed.v1";
pub(crate) const QUOTA_WARNING: &str = "de.revalenz.tenancy.quota.warning.v1";
pub(crate) const SESSION_NEW_DEVICE: &str = "de.revalenz.identity.session.new_device.v1";
pub(crate) const TENANT_PAST_DUE: &str = "de.revalenz.tenancy.tenant.past_due.v1";
pub(crate) const TENANT_SUSPENDED: &str = "de.revalenz.tenancy.tenant.suspended.v1";
pub(crate) const TENANT_REACTIVATED: &str = "de.revalenz.tenancy.tenant.reactivated.v1";
pub(crate) const TENANT_CLOSING: &str = "de.revalenz.tenancy.tenant.closing.v1";
pub(crate) const API_KEY_EXPIRING: &str = "de.revalenz.tenancy.api_key.expiring.v1";
pub(crate) const DOMAIN_FAILING: &str = "de.revalenz.tenancy.domain.failing.v1";
pub(crate) const DOMAIN_RELEASED: &str = "de.revalenz.tenancy.domain.released.v1";
