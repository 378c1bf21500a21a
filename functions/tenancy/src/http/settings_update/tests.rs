use proptest::prelude::*;
use serde_json::json;
use web::{Language, json::parse};

use super::*;
use crate::{
    declarations::DEFAULT_LOCALE,
    http::settings::check_rules,
    store::settings_overrides::{Overrides, Settings},
};

fn patch(body: Value) -> Map<String, Value> {
    let body: UpdateSettings = parse(body.to_string().as_bytes()).unwrap();
    body.into_patch()
}

/// The refusal of settings that contradict each other.
fn conflict(settings: &Settings) -> Value {
    let problem = check_rules(settings).unwrap_err();
    problem.document(Language::En, "/", "")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

fn after(stored: Value, body: Value) -> Overrides {
    let mut overrides = Overrides::of(object(stored), DEFAULT_LOCALE);
    overrides.apply(patch(body));
    overrides
}

#[test]
fn defaults_are_in_force_without_overrides() {
    let settings = Overrides::default().in_force(&Map::new());
    assert_eq!(
        settings.into_json(),
        json!({
            "registration": "open",
            "ticket_categories": ["account", "billing", "bug", "question", "request", "other"],
            "locale": "de",
            "branding": {"name": null, "colour": null, "logo_url": null},
            "mail_sender": {"name": null, "address": null},
            "retention_days": {"audit": 1095, "tickets": 1095},
            "session": {"idle_days": 30, "absolute_days": 90},
            "password_policy": {"min_length": 10},
            "magic_link": true,
            "mfa_required_roles": [],
            "impersonation_by_admins": false,
            "sign_in": {"providers": null},
            "sla": {
                "first_response_hours": {"urgent": 2, "high": 8, "medium": 24, "low": 72},
                "resolution_hours": {"urgent": 24, "high": 72, "medium": 168, "low": 336},
            },
        })
    );
}

#[test]
fn fields_that_are_not_included_stay_unchanged() {
    let stored =
        json!({"branding": {"name": "Muster", "colour": "#000000"}, "registration": "closed"});
    let overrides = after(stored, json!({"branding": {"colour": "#1A7F5A"}}));
    assert_eq!(
        overrides.get("branding"),
        Some(&json!({"name": "Muster", "colour": "#1a7f5a"}))
    );
    assert_eq!(overrides.keys(), ["branding", "registration"]);
}

#[test]
fn null_restores_the_default_of_a_value_and_of_a_group() {
    let stored =
        json!({"session": {"idle_days": 5, "absolute_days": 50}, "registration": "closed"});
    let overrides = after(
        stored.clone(),
        json!({"session": {"idle_days": null}, "registration": null}),
    );
    let settings = overrides.in_force(&Map::new());
    assert_eq!(
        settings.get("session"),
        Some(&json!({"idle_days": 30, "absolute_days": 50}))
    );
    assert_eq!(settings.get("registration"), Some(&json!("open")));
    assert_eq!(overrides.keys(), ["session"]);
    let nothing = after(
        stored,
        json!({"session": null, "registration": null, "branding": {"name": null}}),
    );
    assert_eq!(nothing, Overrides::default());
}

#[test]
fn idle_days_must_not_exceed_absolute_days() {
    let settings =
        after(json!({}), json!({"session": {"absolute_days": 10}})).in_force(&Map::new());
    let document = conflict(&settings);
    assert_eq!(document["errors"][0]["pointer"], "/session/idle_days");
    let defaults = Overrides::default().in_force(&Map::new());
    assert!(check_rules(&defaults).is_ok());
}

#[test]
fn response_hours_must_not_exceed_resolution_hours() {
    let body = json!({"sla": {"first_response_hours": {"urgent": 30, "low": 400}}});
    let settings = after(json!({}), body).in_force(&Map::new());
    let document = conflict(&settings);
    let named: Vec<&str> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert_eq!(
        named,
        [
            "/sla/first_response_hours/urgent",
            "/sla/first_response_hours/low"
        ]
    );
}

#[test]
fn an_empty_list_of_providers_differs_from_null() {
    let none = after(json!({}), json!({"sign_in": {"providers": []}}));
    assert_eq!(
        none.in_force(&Map::new()).get("sign_in.providers"),
        Some(&json!([]))
    );
    let back = after(
        json!({"sign_in": {"providers": ["google"]}}),
        json!({"sign_in": {"providers": null}}),
    );
    assert_eq!(back, Overrides::default());
}

#[test]
fn all_errors_are_reported_at_once() {
    let body = json!({
        "registration": "sometimes",
        "ticket_categories": ["bug", "Bug", "bug", ""],
        "branding": {"colour": "green", "logo_url": "javascript:alert(1)", "font": "Comic"},
        "session": {"idle_days": 0, "absolute_days": "many"},
        "password_policy": {"min_length": 9},
        "mail_sender": {"address": "nobody"},
        "theme": "dark",
    });
    let problem = parse::<UpdateSettings>(body.to_string().as_bytes()).unwrap_err();
    let document = problem.document(Language::En, "/", "");
    let mut named: Vec<String> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            format!(
                "{} {}",
                e["pointer"].as_str().unwrap(),
                e["code"].as_str().unwrap()
            )
        })
        .collect();
    named.sort();
    assert_eq!(
        named,
        [
            "/branding/colour invalid_format",
            "/branding/font unknown_field",
            "/branding/logo_url invalid_format",
            "/mail_sender/address invalid_format",
            "/password_policy/min_length out_of_range",
            "/registration not_one_of",
            "/session/absolute_days wrong_type",
            "/session/idle_days out_of_range",
            "/theme unknown_field",
            "/ticket_categories/1 invalid_format",
            "/ticket_categories/2 duplicate",
            "/ticket_categories/3 too_short",
        ]
    );
}

#[test]
fn tenant_settings_override_platform_settings_value_by_value() {
    let platform =
        object(json!({"session": {"idle_days": 7, "absolute_days": 60}, "magic_link": false}));
    let own = after(json!({}), json!({"session": {"idle_days": 14}}));
    let settings = own.in_force(&platform);
    assert_eq!(
        settings.get("session"),
        Some(&json!({"idle_days": 14, "absolute_days": 60}))
    );
    assert_eq!(settings.get("magic_link"), Some(&json!(false)));
    assert_eq!(settings.get("password_policy.min_length"), Some(&json!(10)));
}

#[test]
fn the_locale_comes_from_the_tenant() {
    let overrides = Overrides::of(Map::new(), "en");
    assert_eq!(overrides.in_force(&Map::new()).locale(), "en");
    assert_eq!(overrides.keys(), ["locale"]);
    let mut reset = overrides.clone();
    reset.apply(patch(json!({"locale": null})));
    assert_eq!(reset.changed_keys(&overrides), ["locale"]);
    assert_eq!(reset.in_force(&Map::new()).locale(), "de");
}

fn any_change() -> impl Strategy<Value = Value> {
    let registration = prop_oneof![
        Just(json!(null)),
        Just(json!("open")),
        Just(json!("closed"))
    ];
    let days = prop_oneof![Just(json!(null)), (1_i32..=90).prop_map(|days| json!(days))];
    let name = prop_oneof![Just(json!(null)), "[a-z]{1,9}".prop_map(|name| json!(name))];
    (registration, days.clone(), days, name).prop_map(|(registration, idle, absolute, name)| {
        json!({
            "registration": registration,
            "session": {"idle_days": idle, "absolute_days": absolute},
            "branding": {"name": name},
        })
    })
}

proptest! {
    #[test]
    fn applying_a_patch_twice_equals_applying_it_once(first in any_change(), second in any_change()) {
        let mut once = Overrides::default();
        once.apply(patch(first));
        once.apply(patch(second.clone()));
        let mut twice = once.clone();
        twice.apply(patch(second));
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(once.in_force(&Map::new()), twice.in_force(&Map::new()));
        prop_assert!(once.changed_keys(&twice).is_empty());
    }

    #[test]
    fn resetting_everything_leaves_no_overrides(body in any_change()) {
        let mut overrides = Overrides::default();
        overrides.apply(patch(body));
        overrides.apply(patch(json!({"registration": null, "session": null, "branding": null})));
        prop_assert_eq!(overrides, Overrides::default());
    }
}
