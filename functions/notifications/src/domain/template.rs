//! The kinds of messages.

web::text_enum! {
    /// What a message is about; its texts are `templates/<word>.<language>.*`.
    pub enum Template {
        /// To the requester: the ticket is there, and has this number.
        TicketOpened = "ticket_opened",
        /// To the assignee: a ticket was opened and is theirs.
        TicketAssigned = "ticket_assigned",
        /// To both: somebody else commented in public.
        TicketCommented = "ticket_commented",
        /// To whoever registered: prove that the address is yours.
        VerifyEmail = "verify_email",
        /// To whoever was added: choose a password.
        Invite = "invite",
        /// To whoever forgot the password: choose another. Nothing announces it yet.
        ResetPassword = "reset_password",
        /// To the person: somebody else looks at their account.
        AccountViewed = "account_viewed",
        /// To whoever has one more second factor.
        MfaEnabled = "mfa_enabled",
        /// To whoever has one second factor fewer.
        MfaDisabled = "mfa_disabled",
    }
}

impl Template {
    /// The capability that a tenant must have switched on.
    pub(crate) fn feature(self) -> Option<&'static str> {
        match self {
            Self::TicketOpened | Self::TicketAssigned | Self::TicketCommented => Some("support"),
            Self::VerifyEmail
            | Self::Invite
            | Self::ResetPassword
            | Self::AccountViewed
            | Self::MfaEnabled
            | Self::MfaDisabled => None,
        }
    }

    /// The message that carries a one-time link of this purpose.
    pub(crate) fn of_purpose(purpose: &str) -> Option<Self> {
        [Self::VerifyEmail, Self::Invite, Self::ResetPassword]
            .into_iter()
            .find(|template| template.as_str() == purpose)
    }
}
