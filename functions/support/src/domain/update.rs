//! Applying an update to a ticket.

use chrono::{DateTime, Utc};
use ids::UserId;
use web::body::Change;

use super::{
    status::{IllegalTransition, Status, TicketRole},
    ticket::Priority,
};

/// The fields of a ticket that an update can change.
#[derive(Clone, Debug)]
pub(crate) struct TicketFields {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) team: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) resolved_at: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
}

/// A requested update.
#[derive(Debug)]
pub(crate) struct TicketUpdate {
    pub(crate) title: Change<String>,
    pub(crate) description: Change<String>,
    pub(crate) status: Change<Status>,
    pub(crate) priority: Change<Priority>,
    pub(crate) category: Change<Option<String>>,
    pub(crate) tags: Change<Vec<String>>,
    pub(crate) assigned_to: Change<Option<UserId>>,
    pub(crate) team: Change<Option<String>>,
    pub(crate) due_at: Change<Option<DateTime<Utc>>>,
}

/// Why an update is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UpdateError {
    /// A customer set a field that only staff may set.
    StaffOnlyField(&'static str),
    /// The status cannot change this way.
    IllegalTransition(IllegalTransition),
}

impl TicketUpdate {
    /// The first field set by this update that only staff may set.
    fn staff_only_field(&self) -> Option<&'static str> {
        let fields = [
            ("priority", self.priority.as_set().is_some()),
            ("tags", self.tags.as_set().is_some()),
            ("assigned_to", self.assigned_to.as_set().is_some()),
            ("team", self.team.as_set().is_some()),
            ("due_at", self.due_at.as_set().is_some()),
        ];
        fields
            .iter()
            .find_map(|(field, is_set)| is_set.then_some(*field))
    }
}

impl TicketFields {
    /// The fields after an update.
    pub(crate) fn apply(
        &self,
        update: TicketUpdate,
        role: TicketRole,
        now: DateTime<Utc>,
    ) -> Result<Self, UpdateError> {
        if role == TicketRole::Customer
            && let Some(field) = update.staff_only_field()
        {
            return Err(UpdateError::StaffOnlyField(field));
        }
        let status = match update.status {
            Change::Keep => self.status,
            Change::Set(to) => self
                .status
                .transition(to, role)
                .map_err(UpdateError::IllegalTransition)?,
        };
        Ok(Self {
            title: update.title.or(self.title.clone()),
            description: update.description.or(self.description.clone()),
            status,
            priority: update.priority.or(self.priority),
            category: update.category.or(self.category.clone()),
            tags: update.tags.or(self.tags.clone()),
            assigned_to: update.assigned_to.or(self.assigned_to),
            team: update.team.or(self.team.clone()),
            due_at: update.due_at.or(self.due_at),
            resolved_at: self.resolved_at_in(status, now),
            closed_at: if status == Status::Closed {
                self.closed_at.or(Some(now))
            } else {
                None
            },
        })
    }

    /// The fields after a change of the status alone, as a customer's reply makes it.
    pub(crate) fn with_status(&self, status: Status, now: DateTime<Utc>) -> Self {
        Self {
            status,
            resolved_at: self.resolved_at_in(status, now),
            ..self.clone()
        }
    }

    fn resolved_at_in(&self, status: Status, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match status {
            Status::Resolved => self.resolved_at.or(Some(now)),
            Status::Closed => self.resolved_at,
            _ => None,
        }
    }
}
