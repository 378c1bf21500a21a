//! Rules for the timestamps of an imported ticket.

use chrono::{DateTime, Utc};

use super::status::Status;

/// The timestamps of an imported ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImportedTimes {
    pub(crate) created: DateTime<Utc>,
    pub(crate) first_responded: Option<DateTime<Utc>>,
    pub(crate) resolved: Option<DateTime<Utc>>,
    pub(crate) closed: Option<DateTime<Utc>>,
}

/// Why a timestamp is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeError {
    /// The status requires it.
    Missing,
    /// The status excludes it.
    OtherStatus,
    /// It is before an event that must come first.
    TooEarly,
    /// It is in the future.
    InFuture,
}

impl ImportedTimes {
    /// Every invalid timestamp, by field name.
    pub(crate) fn errors(
        &self,
        status: Status,
        now: DateTime<Utc>,
    ) -> Vec<(&'static str, TimeError)> {
        let mut errors = Vec::new();
        if self.created > now {
            errors.push(("created_at", TimeError::InFuture));
        }
        let (is_resolved, is_closed) = (status == Status::Resolved, status == Status::Closed);
        let times = [
            ("first_responded_at", self.first_responded, false, true),
            (
                "resolved_at",
                self.resolved,
                is_resolved,
                is_resolved || is_closed,
            ),
            ("closed_at", self.closed, is_closed, is_closed),
        ];
        for (field, time, is_required, is_allowed) in times {
            let error = match time {
                None if is_required => TimeError::Missing,
                Some(_) if !is_allowed => TimeError::OtherStatus,
                Some(time) => match self.check(time, now) {
                    Some(error) => error,
                    None => continue,
                },
                None => continue,
            };
            errors.push((field, error));
        }
        if let (Some(resolved), Some(closed)) = (self.resolved, self.closed)
            && closed < resolved
        {
            errors.push(("closed_at", TimeError::TooEarly));
        }
        errors
    }

    /// Checks the time of something that happened to the ticket after it was created.
    pub(crate) fn check(&self, time: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeError> {
        if time < self.created {
            Some(TimeError::TooEarly)
        } else if time > now {
            Some(TimeError::InFuture)
        } else {
            None
        }
    }

    /// The latest of these timestamps.
    pub(crate) fn latest(&self) -> DateTime<Utc> {
        [self.first_responded, self.resolved, self.closed]
            .into_iter()
            .flatten()
            .fold(self.created, DateTime::max)
    }
}
