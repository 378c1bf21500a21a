//! What a tenant's settings say about sign-in. A setting that is missing or has another form means the default.

use access::{Tenant, TenantStatus};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::config::Settings;

/// Whether strangers may register.
pub(crate) fn takes_registrations(tenant: &Tenant) -> bool {
    let works = matches!(
        tenant.status,
        TenantStatus::Trial | TenantStatus::Active | TenantStatus::PastDue
    );
    let setting = tenant.settings.get("registration").and_then(Value::as_str);
    works && setting.is_none_or(|setting| setting == "open")
}

/// Whether people with this base role come in. Of a tenant that is closing only admins do: to export, until it is closed.
pub(crate) fn lets_in(tenant: &Tenant, base_role: &str) -> bool {
    match tenant.status {
        TenantStatus::Trial
        | TenantStatus::Active
        | TenantStatus::PastDue
        | TenantStatus::Suspended => true,
        TenantStatus::Closing => matches!(base_role, "admin" | "superadmin"),
        TenantStatus::Closed => false,
    }
}

/// Whether admins may look at the accounts of people below them.
pub(crate) fn lets_admins_look(tenant: &Tenant) -> bool {
    tenant.settings.get("impersonation_by_admins") == Some(&Value::Bool(true))
}

/// Whether people sign in by a link in a mail.
pub(crate) fn offers_magic_links(tenant: &Tenant) -> bool {
    let setting = tenant.settings.get("magic_link").and_then(Value::as_bool);
    tenant.status != TenantStatus::Closed && setting.unwrap_or(true)
}

/// Whether people of this tenant may sign in by way of this provider: all that there are, unless the tenant names some.
pub(crate) fn offers_provider(tenant: &Tenant, name: &str) -> bool {
    let named = tenant
        .settings
        .get("sign_in")
        .and_then(|sign_in| sign_in.get("providers"))
        .and_then(Value::as_array);
    named.is_none_or(|names| names.iter().any(|one| one == name))
}

/// How long a new password has to be.
pub(crate) fn min_password_length(tenant: &Tenant) -> usize {
    number(tenant, "password_policy", "min_length")
        .and_then(|length| usize::try_from(length).ok())
        .map_or(10, |length| length.clamp(10, 64))
}

/// When a session that is used `now` ends if it is never used again.
pub(crate) fn session_end(
    tenant: &Tenant,
    settings: &Settings,
    began: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let days = |name, most: i64, otherwise| {
        number(tenant, "session", name)
            .map_or(otherwise, |days| TimeDelta::days(days.clamp(1, most)))
    };
    let idle = days("idle_days", 90, settings.session_idle);
    let absolute = days("absolute_days", 365, settings.session_absolute);
    (now + idle).min(began + absolute)
}

fn number(tenant: &Tenant, setting: &str, member: &str) -> Option<i64> {
    tenant.settings.get(setting)?.get(member)?.as_i64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tenant(status: TenantStatus, settings: &Value) -> Tenant {
        Tenant {
            id: ids::TenantId::from_uuid(access::REVALENZ.uuid()),
            slug: "demo".to_owned(),
            name: "Demo".to_owned(),
            status,
            features: serde_json::Map::new(),
            settings: settings.as_object().cloned().unwrap_or_default(),
            limits: serde_json::Map::new(),
            max_users: 5,
            locale: "de".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        }
    }

    #[test]
    fn only_a_working_tenant_that_is_open_takes_strangers() {
        let takes = |status, settings| takes_registrations(&tenant(status, &settings));
        assert!(takes(TenantStatus::Active, json!({})));
        assert!(takes(TenantStatus::Trial, json!({"registration": "open"})));
        assert!(!takes(
            TenantStatus::Active,
            json!({"registration": "invite"})
        ));
        assert!(!takes(
            TenantStatus::Active,
            json!({"registration": "closed"})
        ));
        assert!(!takes(TenantStatus::Suspended, json!({})));
        assert!(!takes(TenantStatus::Closed, json!({})));
    }

    #[test]
    fn a_tenant_that_is_closing_lets_admins_in_and_a_closed_one_nobody() {
        let lets = |status, role| lets_in(&tenant(status, &json!({})), role);
        for status in TenantStatus::ALL {
            let open = !matches!(status, TenantStatus::Closing | TenantStatus::Closed);
            assert_eq!(lets(*status, "customer"), open, "{status}");
            assert_eq!(
                lets(*status, "admin"),
                *status != TenantStatus::Closed,
                "{status}"
            );
        }
    }

    #[test]
    fn a_tenant_can_name_the_providers_it_wants() {
        let offers =
            |settings, name| offers_provider(&tenant(TenantStatus::Active, &settings), name);
        assert!(offers(json!({}), "google"));
        assert!(offers(
            json!({"sign_in": {"providers": ["google"]}}),
            "google"
        ));
        assert!(!offers(
            json!({"sign_in": {"providers": ["google"]}}),
            "apple"
        ));
        assert!(!offers(json!({"sign_in": {"providers": []}}), "google"));
        assert!(offers(json!({"sign_in": "?"}), "google"));
    }

    #[test]
    fn a_session_ends_by_idleness_or_by_age() {
        let began: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let settings = Settings::default();
        let days = |settings_text: Value, age: i64| {
            let now = began + TimeDelta::days(age);
            (session_end(
                &tenant(TenantStatus::Active, &settings_text),
                &settings,
                began,
                now,
            ) - began)
                .num_days()
        };
        assert_eq!(days(json!({}), 0), 30);
        assert_eq!(days(json!({}), 50), 80);
        assert_eq!(days(json!({}), 80), 90);
        assert_eq!(
            days(json!({"session": {"idle_days": 2, "absolute_days": 3}}), 0),
            2
        );
        assert_eq!(
            days(json!({"session": {"idle_days": 2, "absolute_days": 3}}), 2),
            3
        );
        assert_eq!(days(json!({"session": {"idle_days": -5}}), 0), 1);
    }

    #[test]
    fn a_tenant_can_ask_for_longer_passwords_only() {
        let length =
            |settings: Value| min_password_length(&tenant(TenantStatus::Active, &settings));
        assert_eq!(length(json!({})), 10);
        assert_eq!(length(json!({"password_policy": {"min_length": 16}})), 16);
        assert_eq!(length(json!({"password_policy": {"min_length": 1}})), 10);
        assert_eq!(length(json!({"password_policy": "?"})), 10);
    }
}
