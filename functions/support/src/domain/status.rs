//! The status of a ticket and its transitions.

web::text_enum! {
    /// The status of a ticket.
    pub enum Status {
        /// New, not yet worked on.
        Open = "open",
        /// Staff are working on it.
        InProgress = "in_progress",
        /// Staff are waiting for the requester's reply.
        WaitingOnCustomer = "waiting_on_customer",
        /// Solved; the requester can still reopen it.
        Resolved = "resolved",
        /// Closed for good.
        Closed = "closed",
    }
}

/// The role in which a caller acts on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketRole {
    /// The requester.
    Customer,
    /// A member of staff.
    Staff,
}

/// A transition that is not allowed, with those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IllegalTransition {
    pub(crate) from: Status,
    pub(crate) allowed: &'static [Status],
}

impl Status {
    /// The statuses that `role` may set from this one.
    pub(crate) fn allowed_transitions(self, role: TicketRole) -> &'static [Status] {
        use Status::{Closed, InProgress, Open, Resolved, WaitingOnCustomer};
        match (role, self) {
            (TicketRole::Staff, Open) => &[InProgress],
            (TicketRole::Staff, InProgress) => &[WaitingOnCustomer, Resolved],
            (TicketRole::Staff, WaitingOnCustomer) => &[InProgress, Resolved],
            (TicketRole::Staff, Resolved) => &[Closed, InProgress],
            (TicketRole::Customer, Open | InProgress) => &[Closed],
            (TicketRole::Customer, WaitingOnCustomer | Resolved) => &[Open, Closed],
            (_, Closed) => &[],
        }
    }

    /// Checks a transition. Keeping the current status is always allowed.
    pub(crate) fn transition(
        self,
        to: Status,
        role: TicketRole,
    ) -> Result<Status, IllegalTransition> {
        if to == self || self.allowed_transitions(role).contains(&to) {
            Ok(to)
        } else {
            Err(IllegalTransition {
                from: self,
                allowed: self.allowed_transitions(role),
            })
        }
    }

    /// The status after a customer's public reply: a waiting or resolved ticket goes back to its assignee, or to `open` if
    /// it has none.
    pub(crate) fn after_reply(self, is_assigned: bool) -> Status {
        match self {
            Self::WaitingOnCustomer | Self::Resolved if is_assigned => Self::InProgress,
            Self::WaitingOnCustomer | Self::Resolved => Self::Open,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn staff_can_follow_the_main_path() {
        let path = [
            Status::Open,
            Status::InProgress,
            Status::WaitingOnCustomer,
            Status::Resolved,
            Status::Closed,
        ];
        for pair in path.windows(2) {
            assert_eq!(pair[0].transition(pair[1], TicketRole::Staff), Ok(pair[1]));
        }
    }

    #[test]
    fn staff_cannot_skip_in_progress_and_closed_is_final() {
        assert_eq!(
            Status::Open.transition(Status::Closed, TicketRole::Staff),
            Err(IllegalTransition {
                from: Status::Open,
                allowed: &[Status::InProgress]
            })
        );
        for to in Status::ALL {
            for role in [TicketRole::Staff, TicketRole::Customer] {
                assert_eq!(
                    Status::Closed.transition(*to, role).is_ok(),
                    *to == Status::Closed
                );
            }
        }
    }

    #[test]
    fn customers_can_only_close_and_reopen() {
        for from in Status::ALL {
            for to in from.allowed_transitions(TicketRole::Customer) {
                assert!(
                    matches!(to, Status::Open | Status::Closed),
                    "{from} to {to}"
                );
            }
        }
    }

    fn any_status() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::ALL)
    }

    proptest! {
        #[test]
        fn a_refusal_lists_exactly_the_allowed_transitions(from in any_status(), to in any_status(), staff: bool) {
            let role = if staff { TicketRole::Staff } else { TicketRole::Customer };
            match from.transition(to, role) {
                Ok(now) => prop_assert_eq!(now, to),
                Err(refused) => {
                    prop_assert!(!refused.allowed.contains(&to));
                    for allowed in refused.allowed {
                        prop_assert!(from.transition(*allowed, role).is_ok());
                    }
                }
            }
        }

        #[test]
        fn a_reply_never_closes_and_never_stays_waiting(from in any_status(), is_assigned: bool) {
            let after = from.after_reply(is_assigned);
            prop_assert_ne!(after, Status::WaitingOnCustomer);
            prop_assert_eq!(after == Status::Closed, from == Status::Closed);
        }
    }
}
