//! The steps of one ticket, from its opening to its final status.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Action, Step,
    business_hours::{add_business_minutes, time_of_day},
    rng::Rng,
};
use crate::demo::fixtures::{Author, Status, Ticket, Visibility};

/// Builder of the steps of one ticket.
pub(super) struct TicketSteps {
    steps: Vec<Step>,
    ticket: usize,
    now: DateTime<Utc>,
    rng: Rng,
}

impl TicketSteps {
    pub(super) fn build(
        index: usize,
        ticket: &Ticket,
        opened_at: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<Step> {
        let mut timeline = Self {
            steps: Vec::new(),
            ticket: index,
            now: opened_at,
            rng: Rng::seeded(index + 2_000),
        };
        // Each customer writes in the language of their account.
        let customer = if ticket.language == "de" {
            "customer"
        } else {
            "customer2"
        };
        let expert = if timeline.rng.range(0, 2) == 0 {
            "expert"
        } else {
            "expert2"
        };
        timeline.step(customer, Action::Open);
        let mut is_assigned = false;
        for (index, comment) in ticket.comments.iter().enumerate() {
            match comment.by {
                Author::Customer => {
                    timeline.wait_minutes(20, 400);
                    timeline.step(customer, Action::Comment(index));
                }
                Author::Expert => {
                    if is_assigned {
                        timeline.wait_business_minutes(25, 420);
                    } else {
                        timeline.start_work(ticket, expert);
                        is_assigned = true;
                    }
                    timeline.step(expert, Action::Comment(index));
                    if comment.visibility == Visibility::Public
                        && is_customer_reply_next(ticket, index)
                    {
                        timeline.pause();
                        timeline.step(expert, Action::SetStatus(Status::WaitingOnCustomer));
                    }
                }
            }
        }
        if ticket.ends != Status::Open {
            if !is_assigned {
                timeline.start_work(ticket, expert);
            }
            timeline.finish(ticket.ends, customer, expert);
        }
        timeline.clamp_before(to)
    }

    /// Assigns the ticket: usually the expert takes it, sometimes the manager assigns it.
    fn start_work(&mut self, ticket: &Ticket, expert: &'static str) {
        let (min, max) = match ticket.priority.as_str() {
            "urgent" => (4, 35),
            "high" => (10, 110),
            "medium" => (25, 330),
            _ => (60, 800),
        };
        self.wait_business_minutes(min, max);
        if self.rng.range(0, 6) == 0 {
            self.step("manager", Action::Assign(expert));
            self.wait_business_minutes(5, 60);
            self.step(expert, Action::SetStatus(Status::InProgress));
        } else {
            self.step(expert, Action::Take);
        }
        self.wait_business_minutes(3, 45);
    }

    fn finish(&mut self, ends: Status, customer: &'static str, expert: &'static str) {
        let is_expert_last = self.steps.last().is_some_and(|step| step.by == expert);
        if is_expert_last {
            self.pause();
        } else {
            self.wait_business_minutes(10, 240);
        }
        match ends {
            Status::Closed => {
                self.step(expert, Action::SetStatus(Status::Resolved));
                self.wait_minutes(1_200, 4_000);
                let by = if self.rng.range(0, 3) == 0 {
                    customer
                } else {
                    expert
                };
                self.step(by, Action::SetStatus(Status::Closed));
            }
            other => self.step(expert, Action::SetStatus(other)),
        }
    }

    fn step(&mut self, by: &'static str, action: Action) {
        self.steps.push(Step {
            at: self.now,
            ticket: self.ticket,
            by,
            action,
        });
    }

    /// Advances the time by seconds to a few minutes.
    fn pause(&mut self) {
        self.now += TimeDelta::seconds(self.rng.range_i64(20, 200));
    }

    /// Advances the time in business hours.
    fn wait_business_minutes(&mut self, min: i64, max: i64) {
        let minutes = self.rng.range_i64(min, max);
        self.now = add_business_minutes(self.now, minutes, &mut self.rng);
    }

    /// Advances the time including evenings and weekends, but not nights.
    fn wait_minutes(&mut self, min: i64, max: i64) {
        let minutes = self.rng.range_i64(min, max);
        let seconds = self.rng.range_i64(0, 60);
        self.now += TimeDelta::minutes(minutes) + TimeDelta::seconds(seconds);
        if self.now.time() < time_of_day(5, 30) || self.now.time() > time_of_day(20, 30) {
            self.now += TimeDelta::hours(10);
        }
    }

    /// Moves steps after `to` into the last minutes before it.
    fn clamp_before(mut self, to: DateTime<Utc>) -> Vec<Step> {
        let mut latest = to;
        for step in self.steps.iter_mut().rev() {
            latest -= TimeDelta::seconds(75);
            step.at = step.at.min(latest);
            latest = step.at;
        }
        self.steps
    }
}

/// Whether the next public comment is the customer's.
fn is_customer_reply_next(ticket: &Ticket, comment: usize) -> bool {
    ticket.comments[comment + 1..]
        .iter()
        .find(|next| next.visibility == Visibility::Public)
        .is_some_and(|next| next.by == Author::Customer)
}
