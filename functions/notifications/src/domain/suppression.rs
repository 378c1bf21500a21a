//! Why a queued message is not sent. Checked right before sending, because things change while it waits.

use access::TenantStatus;

use super::template::Template;

/// The reason to suppress the message, if there is one. `has_feature` says whether the tenant has the feature that the template
/// requires; `recipient_status` is the status of the recipient's account, if they have one.
pub(crate) fn suppression_reason(
    template: Template,
    tenant_status: TenantStatus,
    has_feature: bool,
    recipient_status: Option<&str>,
) -> Option<&'static str> {
    match tenant_status {
        TenantStatus::Closed => return Some("the organisation is closed"),
        TenantStatus::Suspended | TenantStatus::Closing if !template.is_sent_while_frozen() => {
            return Some("the organisation is suspended or closing");
        }
        _ => {}
    }
    if !has_feature {
        Some("the organisation has disabled the feature")
    } else if !recipient_status.is_none_or(can_receive_mail) {
        Some("the recipient's account is disabled")
    } else {
        None
    }
}

/// Whether an account with this status receives mail: also if the invitation is pending or the account is locked for a while.
pub(crate) fn can_receive_mail(person_status: &str) -> bool {
    matches!(person_status, "invited" | "active" | "locked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enabled_accounts_of_open_tenants_receive_mail() {
        use Template::{Invite, PasswordChanged, ResetPassword, TenantSuspended, TicketOpened};
        use TenantStatus::{Active, Closed, Closing, PastDue, Suspended, Trial};

        let is_suppressed = |template: Template, status, has_support, person| {
            let has_feature = template.required_feature().is_none_or(|_| has_support);
            suppression_reason(template, status, has_feature, person).is_some()
        };
        for status in [Trial, Active, PastDue] {
            assert!(!is_suppressed(TicketOpened, status, true, Some("active")));
        }
        for status in [Suspended, Closing, Closed] {
            assert!(is_suppressed(Invite, status, true, Some("invited")));
            assert!(is_suppressed(TicketOpened, status, true, Some("active")));
        }
        for template in [PasswordChanged, ResetPassword, TenantSuspended] {
            assert!(!is_suppressed(template, Suspended, true, Some("active")));
            assert!(!is_suppressed(template, Closing, true, Some("active")));
            assert!(is_suppressed(template, Closed, true, Some("active")));
        }
        assert!(is_suppressed(TicketOpened, Active, false, Some("active")));
        assert!(!is_suppressed(Invite, Active, false, Some("invited")));
        assert!(!is_suppressed(Invite, Active, true, None));
        for person in ["disabled", "erased"] {
            assert!(is_suppressed(TicketOpened, Active, true, Some(person)));
        }
    }
}
