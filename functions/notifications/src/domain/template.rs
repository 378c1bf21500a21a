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
        /// To whoever forgot the password: choose another.
        ResetPassword = "reset_password",
        /// To the person: somebody else looks at their account.
        AccountViewed = "account_viewed",
        /// To whoever has one more second factor.
        MfaEnabled = "mfa_enabled",
        /// To whoever has one second factor fewer.
        MfaDisabled = "mfa_disabled",
        /// To whoever wants to sign in without a password.
        MagicLink = "magic_link",
        /// To the address that somebody wants to have: prove that it is yours.
        ChangeEmail = "change_email",
        /// To the address that they have until then: somebody wants another.
        EmailChangeAsked = "email_change_asked",
        /// To whoever has another password now.
        PasswordChanged = "password_changed",
        /// To whoever signed in on a device that they never used before.
        NewDevice = "new_device",
        /// To the admins: so much of a quota was used.
        QuotaWarning = "quota_warning",
        /// To the admins: the organisation owes.
        TenantPastDue = "tenant_past_due",
        /// To the admins: the organisation is suspended.
        TenantSuspended = "tenant_suspended",
        /// To the admins: the organisation works again.
        TenantReactivated = "tenant_reactivated",
        /// To the admins: the organisation is being closed, and its data go on that day.
        TenantClosing = "tenant_closing",
        /// To the admins: an API key ends soon.
        ApiKeyExpiring = "api_key_expiring",
        /// To the admins: the proof of a domain is not there any more.
        DomainFailing = "domain_failing",
        /// To the admins: a domain was let go of, because its proof stayed away.
        DomainReleased = "domain_released",
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
            | Self::MfaDisabled
            | Self::MagicLink
            | Self::ChangeEmail
            | Self::EmailChangeAsked
            | Self::PasswordChanged
            | Self::NewDevice
            | Self::TenantPastDue
            | Self::TenantSuspended
            | Self::TenantReactivated
            | Self::TenantClosing
            | Self::ApiKeyExpiring
            | Self::DomainFailing
            | Self::DomainReleased
            | Self::QuotaWarning => None,
        }
    }

    /// Whether it goes out also for a tenant that is suspended or closing: what warns people about their accounts, what lets
    /// them in, and what happens to the organisation itself.
    pub(crate) fn goes_out_frozen(self) -> bool {
        matches!(
            self,
            Self::ResetPassword
                | Self::MagicLink
                | Self::AccountViewed
                | Self::MfaEnabled
                | Self::MfaDisabled
                | Self::ChangeEmail
                | Self::EmailChangeAsked
                | Self::PasswordChanged
                | Self::NewDevice
                | Self::TenantSuspended
                | Self::TenantClosing
        )
    }

    /// The message that carries a one-time link of this purpose.
    pub(crate) fn of_purpose(purpose: &str) -> Option<Self> {
        let linked = [
            Self::VerifyEmail,
            Self::Invite,
            Self::ResetPassword,
            Self::MagicLink,
            Self::ChangeEmail,
        ];
        let mut linked = linked.into_iter();
        linked.find(|template| template.as_str() == purpose)
    }
}
