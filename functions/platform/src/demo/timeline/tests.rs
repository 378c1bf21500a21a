use super::{business_hours::next_open, *};
use crate::demo::fixtures;

fn days(count: i64) -> (DateTime<Utc>, DateTime<Utc>) {
    let to: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    (to - TimeDelta::days(count), to)
}

#[test]
fn steps_of_every_ticket_are_ordered_and_end_before_today() {
    let (from, to) = days(25);
    for tenant in fixtures::TENANTS {
        let tickets = fixtures::tickets(tenant.slug).unwrap();
        let steps = plan(&tickets, from, to);
        assert!(steps.is_sorted_by_key(|step| step.at));
        assert!(steps.iter().all(|step| from <= step.at && step.at < to));
        for (index, ticket) in tickets.iter().enumerate() {
            let own: Vec<_> = steps.iter().filter(|step| step.ticket == index).collect();
            assert_eq!(own[0].action, Action::Open);
            let comments = own.iter().filter_map(|step| match step.action {
                Action::Comment(comment) => Some(comment),
                _ => None,
            });
            assert!(comments.eq(0..ticket.comments.len()), "{}", ticket.title);
            let last = own.iter().rev().find_map(|step| match step.action {
                Action::SetStatus(status) => Some(status),
                Action::Take => Some(Status::InProgress),
                _ => None,
            });
            assert_eq!(
                last.unwrap_or(Status::Open),
                ticket.ends,
                "{}",
                ticket.title
            );
        }
    }
}

#[test]
fn the_same_arguments_give_the_same_steps() {
    let (from, to) = days(25);
    let tickets = fixtures::tickets("demo").unwrap();
    assert_eq!(plan(&tickets, from, to), plan(&tickets, from, to));
}

#[test]
fn experts_work_in_business_hours() {
    let (from, to) = days(25);
    let tickets = fixtures::tickets("other").unwrap();
    let steps = plan(&tickets, from, to);
    let taken: Vec<_> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::Assign(_) | Action::Take))
        .collect();
    let in_office = taken.iter().filter(|step| next_open(step.at) == step.at);
    assert!(
        in_office.count() * 20 >= taken.len() * 19,
        "except for the last minutes"
    );
}

#[test]
fn a_weekend_has_no_business_minutes() {
    let friday: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
    let monday: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
    assert_eq!(business_minutes(friday, monday), 30 + 60);
    let mut rng = Rng::seeded(1);
    let later = add_business_minutes(friday, 60, &mut rng);
    assert_eq!(later.date_naive().to_string(), "2026-11-23");
}
