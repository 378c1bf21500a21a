//! When who does what: the stories of all tickets of a tenant, laid over the weeks before today.
//!
//! Nothing here depends on chance or on the present moment but through its arguments: the same beginning and end give the
//! same steps, so that a load that was interrupted goes on where it stopped.

mod chance;
mod office;
mod story;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use self::{
    chance::Chance,
    office::{after_work, clock, working_minutes},
    story::Story,
};
use super::corpus::{Status, Ticket};

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
