//! A tenant's settings for sign-in. A setting that is missing or malformed means the default.

use access::{Tenant, TenantStatus};
use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Settings;

/// Whether anyone may register.
pub(crate) fn allows_registration(tenant: &Tenant) -> bool {
    let works = matches!(
        tenant.status,
        TenantStatus::Trial | TenantStatus::Active | TenantStatus::PastDue
    );
    works && text(tenant, "registration").is_none_or(|setting| setting == "open")
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
    flag(tenant, "impersonation_by_admins") == Some(true)
}

/// Whether users can sign in with an emailed link.
pub(crate) fn allows_magic_links(tenant: &Tenant) -> bool {
    tenant.status != TenantStatus::Closed && flag(tenant, "magic_link").unwrap_or(true)
}

/// Whether users can sign in with this provider. All providers are allowed unless the tenant lists some.
pub(crate) fn allows_provider(tenant: &Tenant, name: &str) -> bool {
    lists_provider(tenant, name).unwrap_or(true)
}

/// Minimum length of a new password, in characters.
pub(crate) fn min_password_length(tenant: &Tenant) -> usize {
    number(tenant, "password_policy", "min_length")
        .and_then(|length| usize::try_from(length).ok())
        .map_or(10, |length| length.clamp(10, 64))
}

/// When a session that is used at `now` ends if it is not used again.
pub(crate) fn session_end(
    tenant: &Tenant,
    settings: &Settings,
    began: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let days = |name, max: i64, default| {
        number(tenant, "session", name).map_or(default, |days| TimeDelta::days(days.clamp(1, max)))
    };
    let idle = days("idle_days", 90, settings.session_idle);
    let absolute = days("absolute_days", 365, settings.session_absolute);
    (now + idle).min(began + absolute)
}

/// `None` if the tenant does not restrict the providers.
fn lists_provider(tenant: &Tenant, name: &str) -> Option<bool> {
    let providers = tenant
        .settings
        .get("sign_in")?
        .get("providers")?
        .as_array()?;
    Some(providers.iter().any(|provider| provider == name))
}

fn text<'a>(tenant: &'a Tenant, setting: &str) -> Option<&'a str> {
    tenant.settings.get(setting)?.as_str()
}

fn flag(tenant: &Tenant, setting: &str) -> Option<bool> {
    tenant.settings.get(setting)?.as_bool()
}

fn number(tenant: &Tenant, setting: &str, member: &str) -> Option<i64> {
    tenant.settings.get(setting)?.get(member)?.as_i64()
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
        let defaults = Settings::default();
        let days = |settings: &[(&str, &str)], age: i64| {
            let now = began + TimeDelta::days(age);
            (session_end(
                &tenant(TenantStatus::Active, settings),
                &defaults,
                began,
                now,
            ) - began)
                .num_days()
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
