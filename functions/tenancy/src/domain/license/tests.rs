use access::usage::API_REQUESTS;
use proptest::prelude::*;

use super::*;

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + day * 86_400, 0).unwrap()
}

fn license(seats: i32, from: i64, to: Option<i64>, agreed: i64) -> License {
    License {
        id: LicenseId::at(at(agreed)),
        terms: LicenseTerms::of_plan(LicenseType::Standard, seats),
        valid_from: at(from),
        valid_to: to.map(at),
        superseded_at: None,
        created_at: at(agreed),
    }
}

fn seats(licenses: &[License], day: i64) -> Option<i32> {
    in_force(licenses, at(day)).map(|license| license.terms.seats)
}

#[test]
fn the_end_is_exclusive_and_a_licence_expires_then() {
    let licenses = [license(5, 0, Some(10), 0)];
    let instant = chrono::TimeDelta::microseconds(1);
    assert!(licenses[0].is_in_force(at(10) - instant));
    assert!(!licenses[0].is_in_force(at(10)));
    assert!(licenses[0].is_in_force(at(0)) && !licenses[0].is_in_force(at(0) - instant));
    assert_eq!(license_status(&licenses, at(-1)), LicenseStatus::Unlicensed);
    assert_eq!(
        license_status(&licenses, at(3)),
        LicenseStatus::InForce(&licenses[0])
    );
    assert_eq!(license_status(&licenses, at(10)), LicenseStatus::Expired);
}

#[test]
fn an_upcoming_licence_waits_and_a_withdrawn_one_stays_readable() {
    let mut licenses = vec![license(5, 0, None, 0)];
    supersede(&mut licenses, license(7, 30, None, 1));
    assert_eq!(
        (seats(&licenses, 29), seats(&licenses, 30)),
        (Some(5), Some(7))
    );
    assert_eq!(boundaries(&licenses, at(2)), [at(30)]);
    // Withdrawn before it began.
    let superseded = supersede(&mut licenses, license(9, 20, None, 3));
    assert_eq!(superseded.len(), 2);
    assert_eq!(
        (seats(&licenses, 19), seats(&licenses, 30)),
        (Some(5), Some(9))
    );
    assert_eq!(licenses.len(), 3);
    assert!(!licenses[1].is_ever_in_force() && licenses[1].superseded_at == Some(at(3)));
}

#[test]
fn values_and_limits_are_stored_together_and_distinguished() {
    let mut terms = LicenseTerms::of_plan(LicenseType::Internal, 5);
    assert_eq!(terms.values().len(), 2);
    terms.set_values(LimitValues::from([(
        "support_hours".to_owned(),
        LimitValue::Number(4),
    )]));
    assert_eq!(terms.values().len(), 1);
    assert_eq!(terms.limit(API_REQUESTS), Some(100_000_000));
    let trial = terms.with_plan(LicenseType::Trial);
    assert_eq!(trial.limit(API_REQUESTS), Some(1_000_000));
    assert!(trial.values().is_empty());
}

proptest! {
    #[test]
    fn at_most_one_licence_is_in_force(all in prop::collection::vec((0_i64..50, prop::option::of(1_i64..30)), 1..12)) {
        let mut licenses = Vec::new();
        for (number, (from, days)) in all.iter().enumerate() {
            let to = days.map(|days| from + days);
            let new = license(i32::try_from(number).unwrap(), *from, to, *from);
            let start = at(*from);
            supersede(&mut licenses, new.clone());
            prop_assert_eq!(in_force(&licenses, start), Some(&new));
        }
        for day in 0..90 {
            let count = licenses.iter().filter(|l| l.is_in_force(at(day))).count();
            prop_assert!(count <= 1, "{count} on day {day}");
        }
    }
}
