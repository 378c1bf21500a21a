use proptest::prelude::*;

use super::*;

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + day * 86_400, 0).unwrap()
}

fn license(seats: i32, from: i64, to: Option<i64>, agreed: i64) -> License {
    License {
        id: LicenseId::at(at(agreed)),
        content: Content::of_plan(LicenseType::Standard, seats),
        valid_from: at(from),
        valid_to: to.map(at),
        superseded_at: None,
        created_at: at(agreed),
    }
}

fn seats(licenses: &[License], day: i64) -> Option<i32> {
    in_force(licenses, at(day)).map(|license| license.content.seats)
}

#[test]
fn an_end_is_exclusive_and_what_comes_after_it_is_no_licence() {
    let licenses = [license(5, 0, Some(10), 0)];
    let instant = chrono::TimeDelta::microseconds(1);
    assert!(licenses[0].is_in_force(at(10) - instant));
    assert!(!licenses[0].is_in_force(at(10)));
    assert!(licenses[0].is_in_force(at(0)) && !licenses[0].is_in_force(at(0) - instant));
    assert_eq!(standing(&licenses, at(-1)), Standing::Unlicensed);
    assert_eq!(standing(&licenses, at(3)), Standing::Licensed(&licenses[0]));
    assert_eq!(standing(&licenses, at(10)), Standing::Ended);
}

#[test]
fn a_later_licence_waits_and_one_that_never_began_stays_readable() {
    let mut licenses = vec![license(5, 0, None, 0)];
    supersede(&mut licenses, license(7, 30, None, 1));
    assert_eq!(
        (seats(&licenses, 29), seats(&licenses, 30)),
        (Some(5), Some(7))
    );
    assert_eq!(turns(&licenses, at(2)), [at(30)]);
    // Withdrawn before it began.
    let gave_way = supersede(&mut licenses, license(9, 20, None, 3));
    assert_eq!(gave_way.len(), 2);
    assert_eq!(
        (seats(&licenses, 19), seats(&licenses, 30)),
        (Some(5), Some(9))
    );
    assert_eq!(licenses.len(), 3);
    assert!(!licenses[1].is_real() && licenses[1].superseded_at == Some(at(3)));
}

#[test]
fn values_and_limits_lie_together_and_are_told_apart() {
    let mut content = Content::of_plan(LicenseType::Internal, 5);
    assert_eq!(content.values().len(), 2);
    content.set_values(Map::from_iter([("support_hours".to_owned(), 4.into())]));
    assert_eq!(content.values().len(), 1);
    assert_eq!(content.limit(Metric::ApiRequests), Some(100_000_000));
    let trial = content.under(LicenseType::Trial);
    assert_eq!(trial.limit(Metric::ApiRequests), Some(1_000_000));
    assert!(trial.values().is_empty());
}

proptest! {
    #[test]
    fn never_are_two_in_force(all in prop::collection::vec((0_i64..50, prop::option::of(1_i64..30)), 1..12)) {
        let mut licenses = Vec::new();
        for (number, (from, days)) in all.iter().enumerate() {
            let to = days.map(|days| from + days);
            let new = license(i32::try_from(number).unwrap(), *from, to, *from);
            let in_its_time = at(*from);
            supersede(&mut licenses, new.clone());
            prop_assert_eq!(in_force(&licenses, in_its_time), Some(&new));
        }
        for day in 0..90 {
            let count = licenses.iter().filter(|l| l.is_in_force(at(day))).count();
            prop_assert!(count <= 1, "{count} on day {day}");
        }
    }
}
