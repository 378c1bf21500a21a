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
    }
}

#[test]
fn a_flag_ends_at_its_hour_and_the_mirror_knows_it() {
    let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    let tenant = TenantId::at(now);
    let state = on_until(100, Some(now));
    assert!(!state.is_on(tenant, now));
    assert!(state.is_on(tenant, now - chrono::TimeDelta::microseconds(1)));
    assert_eq!(
        mirror(&[state], tenant),
        *json!({"ai": "2026-11-20T10:00:00.000000Z"})
            .as_object()
            .unwrap()
    );
    let off = FlagState {
        enabled: false,
        ..on_until(100, Some(now))
    };
    assert_eq!(
        mirror(&[off], tenant),
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
        if on_until(small, None).is_on(tenant, now) {
            prop_assert!(on_until(large, None).is_on(tenant, now));
        }
        prop_assert!(on_until(100, None).is_on(tenant, now));
        prop_assert!(!on_until(0, None).is_on(tenant, now));
    }
}

#[test]
fn a_roll_out_selects_about_its_share() {
    let selected = (0..10_000_u128)
        .filter(|n| {
            on_until(20, None).is_on(
                TenantId::from_uuid(Uuid::from_u128(*n)),
                DateTime::default(),
            )
        })
        .count();
    assert!((1_800..2_200).contains(&selected), "{selected}");
}
