//! Account status and its transitions.

web::text_enum! {
    /// Status of an account.
    pub enum UserStatus {
        /// The email address has not been verified yet.
        Invited = "invited",
        /// The user can sign in.
        Active = "active",
        /// The user cannot sign in for now, and keeps the seat.
        Locked = "locked",
        /// The user cannot sign in and is visible only to admins.
        Disabled = "disabled",
        /// The account has been erased.
        Erased = "erased",
    }
}

web::text_enum! {
    /// Requested status of an account. `invited` sends a new invitation.
    pub enum WantedStatus {
        /// Send an invitation.
        Invited = "invited",
        /// Allow sign-in.
        Active = "active",
        /// Block sign-in for now; keep the seat.
        Locked = "locked",
        /// Disable the account and free the seat.
        Disabled = "disabled",
    }
}

impl UserStatus {
    /// Whether an account that gets this status occupies a seat of the licence. An invitation does until it expires.
    pub(crate) fn occupies_seat(self) -> bool {
        matches!(self, Self::Invited | Self::Active | Self::Locked)
    }
}

impl WantedStatus {
    /// The stored status.
    pub(crate) fn status(self) -> UserStatus {
        match self {
            Self::Invited => UserStatus::Invited,
            Self::Active => UserStatus::Active,
            Self::Locked => UserStatus::Locked,
            Self::Disabled => UserStatus::Disabled,
        }
    }

    /// Whether an account can change to this status. Only accounts whose email address was verified at some time
    /// (`was_verified`) can be made active by others.
    pub(crate) fn is_reachable(self, from: UserStatus, was_verified: bool) -> bool {
        match (from, self) {
            (UserStatus::Erased, _) => false,
            (UserStatus::Invited | UserStatus::Disabled, Self::Invited) => !was_verified,
            (
                UserStatus::Active | UserStatus::Locked | UserStatus::Disabled,
                Self::Active | Self::Locked,
            ) => was_verified,
            (_, Self::Disabled) => true,
            (_, Self::Invited | Self::Active | Self::Locked) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_becomes_active_only_with_a_verified_address() {
        for from in UserStatus::ALL {
            assert!(!WantedStatus::Active.is_reachable(*from, false), "{from}");
        }
        assert!(WantedStatus::Active.is_reachable(UserStatus::Disabled, true));
        assert!(WantedStatus::Active.is_reachable(UserStatus::Locked, true));
    }

    #[test]
    fn erased_is_final() {
        for to in WantedStatus::ALL {
            assert!(!to.is_reachable(UserStatus::Erased, true), "{to}");
        }
    }

    #[test]
    fn a_user_who_was_never_active_can_be_invited_again() {
        assert!(WantedStatus::Invited.is_reachable(UserStatus::Invited, false));
        assert!(WantedStatus::Invited.is_reachable(UserStatus::Disabled, false));
        assert!(!WantedStatus::Invited.is_reachable(UserStatus::Disabled, true));
        assert!(!WantedStatus::Invited.is_reachable(UserStatus::Active, true));
    }
}
