//! The life of a ticket.

web::text_enum! {
    /// Where a ticket stands.
    pub enum Status {
        /// Nobody has taken it up yet.
        Open = "open",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// The requester has to answer.
        WaitingOnCustomer = "waiting_on_customer",
        /// Done, unless the requester disagrees.
        Resolved = "resolved",
        /// Over.
        Closed = "closed",
    }
}

/// On which side of the ticket somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Whose ticket it is.
    Customer,
    /// Who works on it.
    Staff,
}

/// A step that is not legal, with those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) from: Status,
    pub(crate) legal: &'static [Status],
}

impl Status {
    /// Where `side` may go from here.
    pub(crate) fn legal(self, side: Side) -> &'static [Status] {
        use Status::{Closed, InProgress, Open, Resolved, WaitingOnCustomer};
        match (side, self) {
            (Side::Staff, Open) => &[InProgress],
            (Side::Staff, InProgress) => &[WaitingOnCustomer, Resolved],
            (Side::Staff, WaitingOnCustomer) => &[InProgress, Resolved],
            (Side::Staff, Resolved) => &[Closed, InProgress],
            (Side::Customer, Open | InProgress) => &[Closed],
            (Side::Customer, WaitingOnCustomer | Resolved) => &[Open, Closed],
            (_, Closed) => &[],
        }
    }

    /// Takes the step, or names the legal ones. Staying is always possible.
    pub(crate) fn step(self, to: Status, side: Side) -> Result<Status, Refused> {
        if to == self || self.legal(side).contains(&to) {
            Ok(to)
        } else {
            Err(Refused {
                from: self,
                legal: self.legal(side),
            })
        }
    }

    /// What a customer's public reply makes of it: a question that was waiting, or a solution that did not hold, goes
    /// back to whoever works on it.
    pub(crate) fn after_reply(self, assigned: bool) -> Status {
        match self {
            Self::WaitingOnCustomer | Self::Resolved if assigned => Self::InProgress,
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
    fn the_main_road_is_open_to_staff() {
        let road = [
            Status::Open,
            Status::InProgress,
            Status::WaitingOnCustomer,
            Status::Resolved,
            Status::Closed,
        ];
        for pair in road.windows(2) {
            assert_eq!(pair[0].step(pair[1], Side::Staff), Ok(pair[1]));
        }
    }

    #[test]
    fn staff_cannot_skip_the_work_and_nobody_leaves_closed() {
        assert_eq!(
            Status::Open.step(Status::Closed, Side::Staff),
            Err(Refused {
                from: Status::Open,
                legal: &[Status::InProgress]
            })
        );
        for to in Status::ALL {
            for side in [Side::Staff, Side::Customer] {
                assert_eq!(
                    Status::Closed.step(*to, side).is_ok(),
                    *to == Status::Closed
                );
            }
        }
    }

    #[test]
    fn customers_close_and_reopen_and_nothing_else() {
        for from in Status::ALL {
            for to in from.legal(Side::Customer) {
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
        fn a_refusal_names_exactly_the_steps_that_work(from in any_status(), to in any_status(), staff: bool) {
            let side = if staff { Side::Staff } else { Side::Customer };
            match from.step(to, side) {
                Ok(now) => prop_assert_eq!(now, to),
                Err(refused) => {
                    prop_assert!(!refused.legal.contains(&to));
                    for legal in refused.legal {
                        prop_assert!(from.step(*legal, side).is_ok());
                    }
                }
            }
        }

        #[test]
        fn a_reply_never_closes_and_never_leaves_a_question_waiting(from in any_status(), assigned: bool) {
            let after = from.after_reply(assigned);
            prop_assert_ne!(after, Status::WaitingOnCustomer);
            prop_assert_eq!(after == Status::Closed, from == Status::Closed);
        }
    }
}
