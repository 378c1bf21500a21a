//! What stands in the way of a message when it is about to go out: things change while it waits.

use access::{Tenant, TenantStatus};

use super::template::Template;

/// Why the message must not go out, if it must not.
pub(crate) fn of(
    template: Template,
    tenant: &Tenant,
    person_status: Option<&str>,
) -> Option<&'static str> {
    if tenant.status == TenantStatus::Closed {
        Some("the organisation is closed")
    } else if tenant.is_frozen() && !template.goes_out_frozen() {
        Some("the organisation is suspended or closing")
    } else if template
        .feature()
        .is_some_and(|feature| !tenant.has(feature))
    {
        Some("the organisation has switched the feature off")
    } else if !person_status.is_none_or(may_be_written_to) {
        Some("the recipient's account is disabled")
    } else {
        None
    }
}

/// Whoever has an account, also one that is still to be taken up or is locked for a while.
pub(crate) fn may_be_written_to(person_status: &str) -> bool {
    matches!(person_status, "invited" | "active" | "locked")
}

#[cfg(test)]
mod tests {
    use ids::TenantId;
    use serde_json::{Map, json};

    use super::*;

    fn tenant(status: TenantStatus, support: bool) -> Tenant {
        let features = Map::from_iter([("support".to_owned(), json!(support))]);
        Tenant {
            id: TenantId::from_uuid(uuid::Uuid::nil()),
            slug: "demo".to_owned(),
            name: "Demo".to_owned(),
            status,
            features,
            settings: Map::new(),
            limits: Map::new(),
            max_users: 1,
            locale: "de".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        }
    }

    #[test]
    fn only_people_with_an_account_in_a_living_tenant_are_written_to() {
        use Template::{Invite, PasswordChanged, ResetPassword, TenantSuspended, TicketOpened};
        use TenantStatus::{Active, Closed, Closing, PastDue, Suspended, Trial};

        let hindered = |template, status, support, person| {
            of(template, &tenant(status, support), person).is_some()
        };
        for status in [Trial, Active, PastDue] {
            assert!(!hindered(TicketOpened, status, true, Some("active")));
        }
        for status in [Suspended, Closing, Closed] {
            assert!(hindered(Invite, status, true, Some("invited")));
            assert!(hindered(TicketOpened, status, true, Some("active")));
        }
        for template in [PasswordChanged, ResetPassword, TenantSuspended] {
            assert!(!hindered(template, Suspended, true, Some("active")));
            assert!(!hindered(template, Closing, true, Some("active")));
            assert!(hindered(template, Closed, true, Some("active")));
        }
        assert!(hindered(TicketOpened, Active, false, Some("active")));
        assert!(!hindered(Invite, Active, false, Some("invited")));
        assert!(!hindered(Invite, Active, true, None));
        for person in ["disabled", "erased"] {
            assert!(hindered(TicketOpened, Active, true, Some(person)));
        }
    }
}
