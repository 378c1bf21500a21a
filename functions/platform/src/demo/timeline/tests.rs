use super::{office::when_open, *};
use crate::demo::corpus;

fn days(count: i64) -> (DateTime<Utc>, DateTime<Utc>) {
    let to: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    (to - TimeDelta::days(count), to)
}

#[test]
fn every_story_is_told_in_order_and_ends_before_today() {
    let (from, to) = days(25);
    for tenant in corpus::TENANTS {
        let tickets = corpus::tickets(tenant.slug).unwrap();
        let steps = plan(&tickets, from, to);
        assert!(steps.is_sorted_by_key(|step| step.at));
        assert!(steps.iter().all(|step| from <= step.at && step.at < to));
        for (index, ticket) in tickets.iter().enumerate() {
            let own: Vec<_> = steps.iter().filter(|step| step.ticket == index).collect();
            assert_eq!(own[0].act, Act::Open);
            let said = own.iter().filter_map(|step| match step.act {
                Act::Comment(comment) => Some(comment),
                _ => None,
            });
            assert!(said.eq(0..ticket.comments.len()), "{}", ticket.title);
            let last = own.iter().rev().find_map(|step| match step.act {
                Act::Move(status) => Some(status),
                Act::Take => Some(Status::InProgress),
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
    let tickets = corpus::tickets("demo").unwrap();
    assert_eq!(plan(&tickets, from, to), plan(&tickets, from, to));
}

#[test]
fn the_working_side_works_in_office_hours() {
    let (from, to) = days(25);
    let tickets = corpus::tickets("other").unwrap();
    let steps = plan(&tickets, from, to);
    let taken: Vec<_> = steps
        .iter()
        .filter(|step| matches!(step.act, Act::Assign(_) | Act::Take))
        .collect();
    let in_office = taken.iter().filter(|step| when_open(step.at) == step.at);
    assert!(
        in_office.count() * 20 >= taken.len() * 19,
        "but for the last minutes"
    );
}

#[test]
fn a_week_end_has_no_working_minutes() {
    let friday: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
    let monday: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
    assert_eq!(working_minutes(friday, monday), 30 + 60);
    let mut chance = Chance::of(1);
    let later = after_work(friday, 60, &mut chance);
    assert_eq!(later.date_naive().to_string(), "2026-11-23");
}
