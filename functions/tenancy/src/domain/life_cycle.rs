//! The life of a tenant: which step leads where.

use access::TenantStatus;
use chrono::TimeDelta;

/// How long a tenant that is closing can still be read, and taken back.
pub const GRACE: TimeDelta = TimeDelta::days(30);

web::text_enum! {
    /// What can be done to a tenant as a whole.
    pub enum Step {
        /// It owes: it works on, and is warned.
        PastDue = "past_due",
        /// It reads, and changes nothing.
        Suspend = "suspend",
        /// It works again, or after a trial for good.
        Reactivate = "reactivate",
        /// It ends in 30 days.
        Close = "close",
    }
}

/// A step that is not possible from where the tenant stands, and those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub from: TenantStatus,
    pub possible: Vec<Step>,
}

impl Step {
    /// Where the step leads.
    pub fn to(self) -> TenantStatus {
        match self {
            Self::PastDue => TenantStatus::PastDue,
            Self::Suspend => TenantStatus::Suspended,
            Self::Reactivate => TenantStatus::Active,
            Self::Close => TenantStatus::Closing,
        }
    }

    /// The steps that are possible from here. A closed tenant has none: nothing is left of it.
    pub fn possible(from: TenantStatus) -> &'static [Self] {
        match from {
            TenantStatus::Trial => &[Self::PastDue, Self::Suspend, Self::Reactivate, Self::Close],
            TenantStatus::Active => &[Self::PastDue, Self::Suspend, Self::Close],
            TenantStatus::PastDue => &[Self::Suspend, Self::Reactivate, Self::Close],
            TenantStatus::Suspended => &[Self::Reactivate, Self::Close],
            TenantStatus::Closing => &[Self::Reactivate],
            TenantStatus::Closed => &[],
        }
    }

    /// Takes the step from here, or names those that are possible.
    pub fn take(self, from: TenantStatus) -> Result<TenantStatus, Refused> {
        let possible = Self::possible(from);
        if possible.contains(&self) {
            Ok(self.to())
        } else {
            Err(Refused {
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
    fn no_step_leads_to_where_the_tenant_is_and_none_leads_out_of_the_grave() {
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
    fn whatever_is_not_closed_can_be_set_to_work_unless_it_works() {
        for from in TenantStatus::ALL {
            let possible = !matches!(from, TenantStatus::Active | TenantStatus::Closed);
            assert_eq!(Step::Reactivate.take(*from).is_ok(), possible, "{from}");
        }
    }
}
