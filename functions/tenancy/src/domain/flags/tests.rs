use access::targeting::Operator;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::declarations::{AI, PLANNED_FLAGS};

fn on_until(rollout: i16, expires_at: Option<DateTime<Utc>>) -> FlagState {
    FlagState {
        flag: AI,
        enabled: true,
        rollout,
        expires_at,
        user_rollout: 100,
        conditions: Vec::new(),
    }
}

/// A licence that includes every context.
const ALL: LicensedFeatures<'static> = LicensedFeatures {
    plan: LicenseType::Standard,
    features: None,
};

#[test]
fn a_flag_expires_on_time_and_its_projection_has_the_time() {
    let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    let tenant = TenantId::at(now);
    let state = on_until(100, Some(now));
    assert!(!state.is_on(tenant, ALL, now));
    assert!(state.is_on(tenant, ALL, now - chrono::TimeDelta::microseconds(1)));
    assert_eq!(
        project(&[state], tenant, ALL),
        BTreeMap::from([(AI, FlagProjection::OnUntil(now))])
    );
    let off = FlagState {
        enabled: false,
        ..on_until(100, Some(now))
    };
    assert_eq!(
        project(&[off], tenant, ALL),
        BTreeMap::from([(AI, FlagProjection::Off)])
    );
}

proptest! {
    #[test]
    fn a_growing_rollout_only_adds(bits in any::<u128>(), small in 0_i16..=100, more in 0_i16..=100) {
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
fn a_rollout_selects_about_its_share() {
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
fn a_flag_outside_the_licence_is_off() {
    let now = DateTime::default();
    let tenant = TenantId::at(now);
    let without = LicensedFeatures {
        plan: LicenseType::Trial,
        features: Some(&PLANNED_FLAGS[..1]),
    };
    let state = on_until(100, None);
    assert!(state.is_on(tenant, ALL, now) && !state.is_on(tenant, without, now));
    assert_eq!(project(&[state], tenant, without)[&AI], FlagProjection::Off);
}

#[test]
fn a_condition_on_the_plan_is_evaluated_and_the_others_are_projected() {
    let now = DateTime::default();
    let tenant = TenantId::at(now);
    let condition = |attribute, value: &str| Condition {
        attribute,
        operator: Operator::In,
        values: vec![value.to_owned()],
    };
    let mut state = on_until(100, None);
    state.conditions = vec![condition(Attribute::Plan, "standard")];
    let projected = |state: &FlagState| {
        let projection = project(std::slice::from_ref(state), tenant, ALL);
        projection[&AI].clone()
    };
    assert_eq!(projected(&state), FlagProjection::On);
    let on_role = condition(Attribute::Role, "admin");
    state.conditions.push(on_role.clone());
    state.user_rollout = 20;
    assert_eq!(
        projected(&state),
        FlagProjection::OnFor(TargetingRule {
            until: None,
            rollout: 20,
            conditions: vec![on_role],
        })
    );
    state.conditions[0].values = vec!["enterprise".to_owned()];
    assert_eq!(projected(&state), FlagProjection::Off);
}
