use access::audience::Operator;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn on_until(rollout: i16, expires_at: Option<DateTime<Utc>>) -> FlagState {
    FlagState {
        flag: Flag::Ai,
        enabled: true,
        rollout,
        expires_at,
        user_rollout: 100,
        conditions: Vec::new(),
    }
}

/// Everything is in the licence.
const ALL: Licensed<'static> = Licensed {
    plan: LicenseType::Standard,
    features: None,
};

#[test]
fn a_flag_ends_at_its_hour_and_the_mirror_knows_it() {
    let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    let tenant = TenantId::at(now);
    let state = on_until(100, Some(now));
    assert!(!state.is_on(tenant, ALL, now));
    assert!(state.is_on(tenant, ALL, now - chrono::TimeDelta::microseconds(1)));
    assert_eq!(
        mirror(&[state], tenant, ALL),
        *json!({"ai": "2026-11-20T10:00:00.000000Z"})
            .as_object()
            .unwrap()
    );
    let off = FlagState {
        enabled: false,
        ..on_until(100, Some(now))
    };
    assert_eq!(
        mirror(&[off], tenant, ALL),
        *json!({"ai": false}).as_object().unwrap()
    );
}

#[test]
fn a_new_tenant_has_what_was_chosen_and_the_defaults() {
    let mut errors = Errors::default();
    let choices = FlagChoices::read(
        json!({"ai": true, "files": false}),
        &Pointer::default(),
        &mut errors,
    )
    .unwrap();
    let on: Vec<_> = choices
        .states()
        .into_iter()
        .filter(|state| state.enabled)
        .map(|state| state.flag)
        .collect();
    assert_eq!(on, [Flag::Support, Flag::Ai]);
}

#[test]
fn unknown_flags_are_named_with_everything_else_that_is_wrong() {
    let mut errors = Errors::default();
    let read = FlagChoices::read(
        json!({"ai": "yes", "teleport": true}),
        &Pointer::default(),
        &mut errors,
    );
    assert_eq!(read, None);
    let codes: Vec<_> = errors
        .into_list()
        .into_iter()
        .map(|e| (e.pointer, e.code.code()))
        .collect();
    assert_eq!(
        codes,
        [
            ("/ai".to_owned(), "wrong_type"),
            ("/teleport".to_owned(), "unknown_field")
        ]
    );
}

proptest! {
    #[test]
    fn a_growing_roll_out_only_adds(bits in any::<u128>(), small in 0_i16..=100, more in 0_i16..=100) {
        let tenant = TenantId::from_uuid(Uuid::from_u128(bits));
        let large = (small + more).min(100);
        let now = DateTime::default();
        if on_until(small, None).is_on(tenant, ALL, now) {
            prop_assert!(on_until(large, None).is_on(tenant, ALL, now));
        }
        prop_assert!(on_until(100, None).is_on(tenant, ALL, now));
        prop_assert!(!on_until(0, None).is_on(tenant, ALL, now));
    }
}

#[test]
fn a_roll_out_selects_about_its_share() {
    let selected = (0..10_000_u128)
        .filter(|n| {
            on_until(20, None).is_on(
                TenantId::from_uuid(Uuid::from_u128(*n)),
                ALL,
                DateTime::default(),
            )
        })
        .count();
    assert!((1_800..2_200).contains(&selected), "{selected}");
}

#[test]
fn what_the_licence_does_not_contain_is_off_whatever_the_flag_says() {
    let now = DateTime::default();
    let tenant = TenantId::at(now);
    let without = Licensed {
        plan: LicenseType::Trial,
        features: Some(&[Flag::Support]),
    };
    let state = on_until(100, None);
    assert!(state.is_on(tenant, ALL, now) && !state.is_on(tenant, without, now));
    assert_eq!(mirror(&[state], tenant, without)["ai"], json!(false));
}

#[test]
fn a_condition_on_the_plan_is_decided_here_and_the_others_are_mirrored() {
    let now = DateTime::default();
    let tenant = TenantId::at(now);
    let condition = |attribute, value: &str| Condition {
        attribute,
        operator: Operator::In,
        values: vec![value.to_owned()],
    };
    let mut state = on_until(100, None);
    state.conditions = vec![condition(Attribute::Plan, "standard")];
    assert_eq!(
        mirror(std::slice::from_ref(&state), tenant, ALL)["ai"],
        json!(true)
    );
    state.conditions.push(condition(Attribute::Role, "admin"));
    state.user_rollout = 20;
    assert_eq!(
        mirror(std::slice::from_ref(&state), tenant, ALL)["ai"],
        json!({"rollout": 20, "conditions": [{"attribute": "role", "operator": "in", "values": ["admin"]}]})
    );
    state.conditions[0].values = vec!["enterprise".to_owned()];
    assert_eq!(mirror(&[state], tenant, ALL)["ai"], json!(false));
}
