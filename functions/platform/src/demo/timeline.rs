//! When who does what: the stories of all tickets of a tenant, laid over the weeks before today.
//!
//! Nothing here depends on chance or on the present moment but through its arguments: the same beginning and end give the
//! same steps, so that a load that was interrupted goes on where it stopped.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc, Weekday};

use super::corpus::{Side, Status, Ticket, Visibility};

/// One thing that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: DateTime<Utc>,
    /// To which ticket of the corpus.
    pub ticket: usize,
    /// Who, by the names of [`crate::sign_ins::PEOPLE`].
    pub by: &'static str,
    /// What.
    pub act: Act,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Writes the ticket.
    Open,
    /// Gives it to an expert.
    Assign(&'static str),
    /// Takes it and begins.
    Take,
    /// Says the comment with this index.
    Comment(usize),
    /// Brings it to a status.
    Move(Status),
}

/// The steps of all `tickets` between `from` and `to`, in order of time.
pub fn plan(tickets: &[Ticket], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Step> {
    let openings = openings(tickets, from, to);
    let mut steps: Vec<Step> = tickets
        .iter()
        .zip(openings)
        .enumerate()
        .flat_map(|(index, (ticket, opened))| Story::tell(index, ticket, opened, to))
        .collect();
    // Stable: steps of one ticket at one time stay in their order.
    steps.sort_by_key(|step| step.at);
    steps
}

/// When each ticket is written: done ones early, open ones late, evenly over the working hours.
fn openings(tickets: &[Ticket], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut order: Vec<(u64, usize)> = tickets
        .iter()
        .enumerate()
        .map(|(index, ticket)| {
            let (low, high) = match ticket.ends {
                Status::Closed => (0, 760),
                Status::Resolved => (150, 880),
                Status::InProgress => (400, 960),
                Status::WaitingOnCustomer => (450, 950),
                Status::Open => (700, 1000),
            };
            (Chance::of(index).within(low, high), index)
        })
        .collect();
    order.sort_unstable();
    let last = to - TimeDelta::minutes(40);
    let minutes = working_minutes(from, last);
    let count = i64::try_from(tickets.len().max(1)).unwrap_or(1);
    let mut openings = vec![from; tickets.len()];
    for (rank, (_, index)) in (0_i64..).zip(order) {
        let mut chance = Chance::of(index + 1_000);
        let at = after_work(from, minutes * rank / count, &mut chance);
        // Some write in the evening.
        let evening = at + TimeDelta::minutes(chance.within_i64(240, 420));
        let late = chance.within(0, 6) == 0 && evening.time() < clock(20, 30) && evening < last;
        openings[index] = if late { evening } else { at.min(last) };
    }
    openings
}

struct Story {
    steps: Vec<Step>,
    ticket: usize,
    now: DateTime<Utc>,
    chance: Chance,
}

impl Story {
    fn tell(index: usize, ticket: &Ticket, opened: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Step> {
        let mut story = Self {
            steps: Vec::new(),
            ticket: index,
            now: opened,
            chance: Chance::of(index + 2_000),
        };
        // Each customer writes in the language of their account.
        let customer = if ticket.language == "de" {
            "customer"
        } else {
            "customer2"
        };
        let expert = if story.chance.within(0, 2) == 0 {
            "expert"
        } else {
            "expert2"
        };
        story.step(customer, Act::Open);
        let mut taken = false;
        for (comment, said) in ticket.comments.iter().enumerate() {
            match said.by {
                Side::Customer => {
                    story.wait(20, 400);
                    story.step(customer, Act::Comment(comment));
                }
                Side::Expert => {
                    if taken {
                        story.work(25, 420);
                    } else {
                        story.take(ticket, expert);
                        taken = true;
                    }
                    story.step(expert, Act::Comment(comment));
                    if said.visibility == Visibility::Public && answer_follows(ticket, comment) {
                        story.pause();
                        story.step(expert, Act::Move(Status::WaitingOnCustomer));
                    }
                }
            }
        }
        if ticket.ends != Status::Open {
            if !taken {
                story.take(ticket, expert);
            }
            story.end(ticket.ends, customer, expert);
        }
        story.in_time(to)
    }

    /// Somebody takes it up: the expert, or now and then the manager hands it out.
    fn take(&mut self, ticket: &Ticket, expert: &'static str) {
        let (least, most) = match ticket.priority.as_str() {
            "urgent" => (4, 35),
            "high" => (10, 110),
            "medium" => (25, 330),
            _ => (60, 800),
        };
        self.work(least, most);
        if self.chance.within(0, 6) == 0 {
            self.step("manager", Act::Assign(expert));
            self.work(5, 60);
            self.step(expert, Act::Move(Status::InProgress));
        } else {
            self.step(expert, Act::Take);
        }
        self.work(3, 45);
    }

    fn end(&mut self, ends: Status, customer: &'static str, expert: &'static str) {
        let answered = self.steps.last().is_some_and(|step| step.by == expert);
        if answered {
            self.pause();
        } else {
            self.work(10, 240);
        }
        match ends {
            Status::Closed => {
                self.step(expert, Act::Move(Status::Resolved));
                self.wait(1_200, 4_000);
                let by = if self.chance.within(0, 3) == 0 {
                    customer
                } else {
                    expert
                };
                self.step(by, Act::Move(Status::Closed));
            }
            other => self.step(expert, Act::Move(other)),
        }
    }

    fn step(&mut self, by: &'static str, act: Act) {
        self.steps.push(Step {
            at: self.now,
            ticket: self.ticket,
            by,
            act,
        });
    }

    /// Seconds to a few minutes.
    fn pause(&mut self) {
        self.now += TimeDelta::seconds(self.chance.within_i64(20, 200));
    }

    /// Time of the working side: nobody answers at night.
    fn work(&mut self, least: i64, most: i64) {
        let minutes = self.chance.within_i64(least, most);
        self.now = after_work(self.now, minutes, &mut self.chance);
    }

    /// Time of the asking side: evenings and week-ends too, but not nights.
    fn wait(&mut self, least: i64, most: i64) {
        let minutes = self.chance.within_i64(least, most);
        let seconds = self.chance.within_i64(0, 60);
        self.now += TimeDelta::minutes(minutes) + TimeDelta::seconds(seconds);
        if self.now.time() < clock(5, 30) || self.now.time() > clock(20, 30) {
            self.now += TimeDelta::hours(10);
        }
    }

    /// What would lie in the future happens in the last minutes instead.
    fn in_time(mut self, to: DateTime<Utc>) -> Vec<Step> {
        let mut latest = to;
        for step in self.steps.iter_mut().rev() {
            latest -= TimeDelta::seconds(75);
            step.at = step.at.min(latest);
            latest = step.at;
        }
        self.steps
    }
}

/// Whether the next word that the customer can read is their own.
fn answer_follows(ticket: &Ticket, comment: usize) -> bool {
    ticket.comments[comment + 1..]
        .iter()
        .find(|next| next.visibility == Visibility::Public)
        .is_some_and(|next| next.by == Side::Customer)
}

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}

/// Office hours in UTC: eight to half past five in Berlin in winter.
fn office(day: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let at = |time| day.date_naive().and_time(time).and_utc();
    (at(clock(7, 0)), at(clock(16, 30)))
}

/// The same moment, or the next one at which the office is open.
fn when_open(moment: DateTime<Utc>) -> DateTime<Utc> {
    let mut moment = moment;
    loop {
        let (opens, closes) = office(moment);
        let weekend = matches!(moment.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && moment < closes {
            return moment.max(opens);
        }
        moment = office(moment + Days::new(1)).0;
    }
}

/// `minutes` of office hours later, and some seconds.
fn after_work(from: DateTime<Utc>, minutes: i64, chance: &mut Chance) -> DateTime<Utc> {
    let mut moment = when_open(from);
    let mut left = TimeDelta::minutes(minutes) + TimeDelta::seconds(chance.within_i64(0, 60));
    loop {
        let today = office(moment).1 - moment;
        if left <= today {
            return moment + left;
        }
        left -= today;
        moment = when_open(office(moment).1);
    }
}

fn working_minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let mut minutes = 0;
    let mut moment = when_open(from);
    while moment < to {
        let closes = office(moment).1;
        minutes += (closes.min(to) - moment).num_minutes();
        moment = when_open(closes);
    }
    minutes
}

/// Numbers that look random and never change (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn of(seed: usize) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` up to but not including `high`.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low).max(1)
    }

    fn within_i64(&mut self, low: i64, high: i64) -> i64 {
        let width = (high - low).max(1).unsigned_abs();
        low + i64::try_from(self.next() % width).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
