//! The timeline of a tenant: the steps of all tickets over the weeks before today.
//!
//! The result depends only on the arguments, so an interrupted load continues where it stopped.

mod business_hours;
mod rng;
#[cfg(test)]
mod tests;
mod ticket_steps;

use chrono::{DateTime, TimeDelta, Utc};

use self::{
    business_hours::{add_business_minutes, business_minutes, time_of_day},
    rng::Rng,
    ticket_steps::TicketSteps,
};
use super::fixtures::{Status, Ticket};

/// One action of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Time.
    pub at: DateTime<Utc>,
    /// Index of the ticket in the fixtures.
    pub ticket: usize,
    /// Person, by the names in [`crate::sign_ins::PEOPLE`].
    pub by: &'static str,
    /// Action.
    pub action: Action,
}

/// An action on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens the ticket.
    Open,
    /// Assigns it to an expert.
    Assign(&'static str),
    /// Assigns it to oneself and starts work.
    Take,
    /// Adds the comment with this index.
    Comment(usize),
    /// Sets the status.
    SetStatus(Status),
}

/// Returns the steps of all `tickets` between `from` and `to`, ordered by time.
pub fn plan(tickets: &[Ticket], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Step> {
    let openings = openings(tickets, from, to);
    let mut steps: Vec<Step> = tickets
        .iter()
        .zip(openings)
        .enumerate()
        .flat_map(|(index, (ticket, opened))| TicketSteps::build(index, ticket, opened, to))
        .collect();
    // Stable sort: simultaneous steps of one ticket keep their order.
    steps.sort_by_key(|step| step.at);
    steps
}

/// Returns the opening time of each ticket: closed ones early, open ones late, evenly distributed over business hours.
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
            (Rng::seeded(index).range(low, high), index)
        })
        .collect();
    order.sort_unstable();
    let last = to - TimeDelta::minutes(40);
    let minutes = business_minutes(from, last);
    let count = i64::try_from(tickets.len().max(1)).unwrap_or(1);
    let mut openings = vec![from; tickets.len()];
    for (rank, (_, index)) in (0_i64..).zip(order) {
        let mut rng = Rng::seeded(index + 1_000);
        let at = add_business_minutes(from, minutes * rank / count, &mut rng);
        // Some tickets are opened in the evening.
        let evening = at + TimeDelta::minutes(rng.range_i64(240, 420));
        let late = rng.range(0, 6) == 0 && evening.time() < time_of_day(20, 30) && evening < last;
        openings[index] = if late { evening } else { at.min(last) };
    }
    openings
}
