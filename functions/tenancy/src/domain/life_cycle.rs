//! The life cycle of a tenant: which status each step leads to.

use access::TenantStatus;
use chrono::TimeDelta;

/// How long a closing tenant can still be read and reactivated.
pub(crate) const CLOSING_GRACE_PERIOD: TimeDelta = TimeDelta::days(30);

web::text_enum! {
    /// A change of a tenant's status.
    pub enum Step {
        /// Payment is overdue: the tenant keeps working, and its admins are warned.
        PastDue = "past_due",
        /// The tenant becomes read-only.
        Suspend = "suspend",
        /// The tenant becomes active.
        Reactivate = "reactivate",
        /// The tenant is closed in 30 days.
        Close = "close",
    }
}

/// A step that is not possible from the current status, and those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepRefused {
    pub(crate) from: TenantStatus,
    pub(crate) possible: Vec<Step>,
}

impl Step {
    /// The status that the step leads to.
    pub(crate) fn to(self) -> TenantStatus {
        match self {
            Self::PastDue => TenantStatus::PastDue,
            Self::Suspend => TenantStatus::Suspended,
            Self::Reactivate => TenantStatus::Active,
            Self::Close => TenantStatus::Closing,
        }
    }

    /// The steps that are possible from this status. A closed tenant has none, because its data is erased.
    pub(crate) fn possible(from: TenantStatus) -> &'static [Self] {
        match from {
            TenantStatus::Trial => &[Self::PastDue, Self::Suspend, Self::Reactivate, Self::Close],
            TenantStatus::Active => &[Self::PastDue, Self::Suspend, Self::Close],
            TenantStatus::PastDue => &[Self::Suspend, Self::Reactivate, Self::Close],
            TenantStatus::Suspended => &[Self::Reactivate, Self::Close],
            TenantStatus::Closing => &[Self::Reactivate],
            TenantStatus::Closed => &[],
        }
    }

    /// Takes the step, or returns those that are possible.
    pub(crate) fn take(self, from: TenantStatus) -> Result<TenantStatus, StepRefused> {
        let possible = Self::possible(from);
        if possible.contains(&self) {
            Ok(self.to())
        } else {
            Err(StepRefused {
                from,
                possible: possible.to_vec(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_keeps_the_status_and_none_leaves_closed() {
        for from in TenantStatus::ALL {
            for step in Step::ALL {
                match step.take(*from) {
                    Ok(to) => {
                        assert_ne!(to, *from, "{step}");
                        assert!(!matches!(to, TenantStatus::Closed | TenantStatus::Trial));
                    }
                    Err(refused) => assert!(!refused.possible.contains(step)),
                }
            }
        }
        assert!(Step::possible(TenantStatus::Closed).is_empty());
    }

    #[test]
    fn every_tenant_that_is_neither_closed_nor_active_can_be_reactivated() {
        for from in TenantStatus::ALL {
            let possible = !matches!(from, TenantStatus::Active | TenantStatus::Closed);
            assert_eq!(Step::Reactivate.take(*from).is_ok(), possible, "{from}");
        }
    }
}
