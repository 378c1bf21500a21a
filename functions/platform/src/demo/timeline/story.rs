//! What happens to one ticket, from its opening to where it stands today.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Act, Step,
    chance::Chance,
    office::{after_work, clock},
};
use crate::demo::corpus::{Side, Status, Ticket, Visibility};

pub(super) struct Story {
    steps: Vec<Step>,
    ticket: usize,
    now: DateTime<Utc>,
    chance: Chance,
}

impl Story {
    pub(super) fn tell(
        index: usize,
        ticket: &Ticket,
        opened: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<Step> {
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
