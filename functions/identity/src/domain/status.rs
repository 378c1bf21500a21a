//! The life of an account.

web::text_enum! {
    /// Where an account stands.
    pub enum UserStatus {
        /// Has not proved the address yet.
        Invited = "invited",
        /// Can sign in.
        Active = "active",
        /// Shut out for now; keeps the seat.
        Locked = "locked",
        /// Gone for everybody but admins.
        Disabled = "disabled",
        /// Gone for good.
        Erased = "erased",
    }
}

web::text_enum! {
    /// Where somebody can put an account. `invited` sends a new invitation.
    pub enum WantedStatus {
        /// Invite, or invite again.
        Invited = "invited",
        /// Let in.
        Active = "active",
        /// Shut out for now.
        Locked = "locked",
        /// Disable.
        Disabled = "disabled",
    }
}

impl UserStatus {
    /// Whether the account takes a seat of the licence.
    pub(crate) fn takes_seat(self) -> bool {
        matches!(self, Self::Invited | Self::Active | Self::Locked)
    }
}

impl WantedStatus {
    /// As the row says it.
    pub(crate) fn status(self) -> UserStatus {
        match self {
            Self::Invited => UserStatus::Invited,
            Self::Active => UserStatus::Active,
            Self::Locked => UserStatus::Locked,
            Self::Disabled => UserStatus::Disabled,
        }
    }

    /// Whether an account can go there. `proven`: its owner has proved the address at some time; nobody else can make an
    /// account active that never was.
    pub(crate) fn is_reachable(self, from: UserStatus, proven: bool) -> bool {
        match (from, self) {
            (UserStatus::Erased, _) => false,
            (UserStatus::Invited | UserStatus::Disabled, Self::Invited) => !proven,
            (
                UserStatus::Active | UserStatus::Locked | UserStatus::Disabled,
                Self::Active | Self::Locked,
            ) => proven,
            (_, Self::Disabled) => true,
            (_, Self::Invited | Self::Active | Self::Locked) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_becomes_active_without_having_proved_the_address() {
        for from in UserStatus::ALL {
            assert!(!WantedStatus::Active.is_reachable(*from, false), "{from}");
        }
        assert!(WantedStatus::Active.is_reachable(UserStatus::Disabled, true));
        assert!(WantedStatus::Active.is_reachable(UserStatus::Locked, true));
    }

    #[test]
    fn nothing_leaves_erased() {
        for to in WantedStatus::ALL {
            assert!(!to.is_reachable(UserStatus::Erased, true), "{to}");
        }
    }

    #[test]
    fn whoever_never_came_can_be_invited_again() {
        assert!(WantedStatus::Invited.is_reachable(UserStatus::Invited, false));
        assert!(WantedStatus::Invited.is_reachable(UserStatus::Disabled, false));
        assert!(!WantedStatus::Invited.is_reachable(UserStatus::Disabled, true));
        assert!(!WantedStatus::Invited.is_reachable(UserStatus::Active, true));
    }
}
