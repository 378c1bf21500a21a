//! A tenant's settings for sign-in. A setting that is missing or malformed means the default.

use access::{Tenant, TenantStatus};
use chrono::{DateTime, TimeDelta, Utc};

use crate::declarations::{
    IMPERSONATION_BY_ADMINS, MAGIC_LINK, PASSWORD_MIN_LENGTH, REGISTRATION, REGISTRATION_OPEN,
    SESSION_ABSOLUTE_DAYS, SESSION_IDLE_DAYS, SIGN_IN_PROVIDERS,
};

/// Whether anyone may register.
pub(crate) fn allows_registration(tenant: &Tenant) -> bool {
    let works = matches!(
        tenant.status,
        TenantStatus::Trial | TenantStatus::Active | TenantStatus::PastDue
    );
    works && REGISTRATION.read(tenant) == REGISTRATION_OPEN
}

/// Whether users with this base role can sign in. While a tenant is closing only admins can, to export its data.
pub(crate) fn allows_sign_in(tenant: &Tenant, base_role: &str) -> bool {
    match tenant.status {
        TenantStatus::Trial
        | TenantStatus::Active
        | TenantStatus::PastDue
        | TenantStatus::Suspended => true,
        TenantStatus::Closing => matches!(base_role, "admin" | "superadmin"),
        TenantStatus::Closed => false,
    }
}

/// Whether admins may view the accounts of users with a lower role.
pub(crate) fn allows_impersonation_by_admins(tenant: &Tenant) -> bool {
    IMPERSONATION_BY_ADMINS.read(tenant)
}

/// Whether users can sign in with an emailed link.
pub(crate) fn allows_magic_links(tenant: &Tenant) -> bool {
    tenant.status != TenantStatus::Closed && MAGIC_LINK.read(tenant)
}

/// Whether users can sign in with this provider. All providers are allowed unless the tenant lists some.
pub(crate) fn allows_provider(tenant: &Tenant, name: &str) -> bool {
    SIGN_IN_PROVIDERS
        .read(tenant)
        .is_none_or(|providers| providers.contains(&name))
}

/// Minimum length of a new password, in characters.
pub(crate) fn min_password_length(tenant: &Tenant) -> usize {
    usize::try_from(PASSWORD_MIN_LENGTH.read(tenant)).unwrap_or_default()
}

/// When a session that is used at `now` ends if it is not used again.
pub(crate) fn session_end(
    tenant: &Tenant,
    began: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let idle = TimeDelta::days(SESSION_IDLE_DAYS.read(tenant).into());
    let absolute = TimeDelta::days(SESSION_ABSOLUTE_DAYS.read(tenant).into());
    (now + idle).min(began + absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tenant with these settings, each with its value as JSON.
    fn tenant(status: TenantStatus, settings: &[(&str, &str)]) -> Tenant {
        Tenant {
            id: access::REVALENZ,
            slug: "demo".to_owned(),
            name: "Demo".to_owned(),
            status,
            features: [].into_iter().collect(),
            settings: settings
                .iter()
                .map(|(name, json)| ((*name).to_owned(), json.parse().unwrap()))
                .collect(),
            limits: [].into_iter().collect(),
            max_users: 5,
            locale: "de".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        }
    }

    #[test]
    fn only_an_active_tenant_with_open_registration_allows_it() {
        let allows =
            |status, settings: &[(&str, &str)]| allows_registration(&tenant(status, settings));
        assert!(allows(TenantStatus::Active, &[]));
        assert!(allows(
            TenantStatus::Trial,
            &[("registration", r#""open""#)]
        ));
        for closed in [r#""invite""#, r#""closed""#] {
            assert!(!allows(TenantStatus::Active, &[("registration", closed)]));
        }
        assert!(!allows(TenantStatus::Suspended, &[]));
        assert!(!allows(TenantStatus::Closed, &[]));
    }

    #[test]
    fn a_closing_tenant_allows_admins_and_a_closed_one_no_user() {
        let allows = |status, role| allows_sign_in(&tenant(status, &[]), role);
        for status in TenantStatus::ALL {
            let open = !matches!(status, TenantStatus::Closing | TenantStatus::Closed);
            assert_eq!(allows(*status, "customer"), open, "{status}");
            assert_eq!(
                allows(*status, "admin"),
                *status != TenantStatus::Closed,
                "{status}"
            );
        }
    }

    #[test]
    fn a_tenant_can_restrict_the_providers() {
        let offers = |settings: &[(&str, &str)], name| {
            allows_provider(&tenant(TenantStatus::Active, settings), name)
        };
        let google = [("sign_in", r#"{"providers": ["google"]}"#)];
        assert!(offers(&[], "google"));
        assert!(offers(&google, "google"));
        assert!(!offers(&google, "apple"));
        assert!(!offers(&[("sign_in", r#"{"providers": []}"#)], "google"));
        assert!(offers(&[("sign_in", r#""?""#)], "google"));
    }

    #[test]
    fn a_session_ends_when_idle_or_too_old() {
        let began: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let days = |settings: &[(&str, &str)], age: i64| {
            let now = began + TimeDelta::days(age);
            (session_end(&tenant(TenantStatus::Active, settings), began, now) - began).num_days()
        };
        assert_eq!(days(&[], 0), 30);
        assert_eq!(days(&[], 50), 80);
        assert_eq!(days(&[], 80), 90);
        assert_eq!(
            days(&[("session", r#"{"idle_days": 2, "absolute_days": 3}"#)], 0),
            2
        );
        assert_eq!(
            days(&[("session", r#"{"idle_days": 2, "absolute_days": 3}"#)], 2),
            3
        );
        assert_eq!(days(&[("session", r#"{"idle_days": -5}"#)], 0), 1);
    }

    #[test]
    fn a_tenant_can_only_raise_the_minimum_password_length() {
        let length = |settings: &[(&str, &str)]| {
            min_password_length(&tenant(TenantStatus::Active, settings))
        };
        assert_eq!(length(&[]), 10);
        assert_eq!(length(&[("password_policy", r#"{"min_length": 16}"#)]), 16);
        assert_eq!(length(&[("password_policy", r#"{"min_length": 1}"#)]), 10);
        assert_eq!(length(&[("password_policy", r#""?""#)]), 10);
    }
}
