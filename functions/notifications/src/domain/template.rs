//! Message templates.

web::text_enum! {
    /// A message template. Its texts are `templates/<value>.<language>.*`.
    pub enum Template {
        /// To the requester: confirms a new ticket and its number.
        TicketOpened = "ticket_opened",
        /// To the assignee: a ticket is assigned to them.
        TicketAssigned = "ticket_assigned",
        /// To the requester: someone else resolved the ticket.
        TicketResolved = "ticket_resolved",
        /// To the requester: someone else closed the ticket.
        TicketClosed = "ticket_closed",
        /// To requester and assignee: someone else added a public comment.
        TicketCommented = "ticket_commented",
        /// To a new user: verify the email address.
        VerifyEmail = "verify_email",
        /// To an invited user: choose a password.
        Invite = "invite",
        /// To a user who requested it: choose a new password.
        ResetPassword = "reset_password",
        /// To the user: their account is being impersonated.
        AccountViewed = "account_viewed",
        /// To the user: a second factor was added.
        MfaEnabled = "mfa_enabled",
        /// To the user: a second factor was removed.
        MfaDisabled = "mfa_disabled",
        /// To a user who requested it: a link to sign in.
        MagicLink = "magic_link",
        /// To a new email address: verify it.
        ChangeEmail = "change_email",
        /// To the current email address: a change was requested.
        EmailChangeRequested = "email_change_asked",
        /// To the user: their password was changed.
        PasswordChanged = "password_changed",
        /// To the old email address: someone else replaced it.
        EmailReplaced = "email_replaced",
        /// To the user: their role was changed.
        RoleChanged = "role_changed",
        /// To the user: an account at a provider can be used to sign in.
        IdentityLinked = "identity_linked",
        /// To the user: an account at a provider can no longer be used to sign in.
        IdentityUnlinked = "identity_unlinked",
        /// To the user: a recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// To the user: a new device signed in.
        NewDevice = "new_device",
        /// To the admins: much of a quota is used.
        QuotaWarning = "quota_warning",
        /// To the admins: a payment is past due.
        TenantPastDue = "tenant_past_due",
        /// To the admins: the organisation is suspended.
        TenantSuspended = "tenant_suspended",
        /// To the admins: the organisation is active again.
        TenantReactivated = "tenant_reactivated",
        /// To the admins: the organisation will be closed and its data erased.
        TenantClosing = "tenant_closing",
        /// To the admins: an API key expires soon.
        ApiKeyExpiring = "api_key_expiring",
        /// To the admins: the proof of a domain is missing.
        DomainFailing = "domain_failing",
        /// To the admins: a domain was removed because its proof was missing.
        DomainReleased = "domain_released",
    }
}

impl Template {
    /// The feature that the tenant must have.
    pub(crate) fn required_feature(self) -> Option<&'static str> {
        match self {
            Self::TicketOpened
            | Self::TicketAssigned
            | Self::TicketResolved
            | Self::TicketClosed
            | Self::TicketCommented => Some("support"),
            Self::VerifyEmail
            | Self::Invite
            | Self::ResetPassword
            | Self::AccountViewed
            | Self::MfaEnabled
            | Self::MfaDisabled
            | Self::MagicLink
            | Self::ChangeEmail
            | Self::EmailChangeRequested
            | Self::PasswordChanged
            | Self::NewDevice
            | Self::EmailReplaced
            | Self::RoleChanged
            | Self::IdentityLinked
            | Self::IdentityUnlinked
            | Self::RecoveryCodeUsed
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

    /// Whether it is also sent for a tenant that is suspended or closing: notices about account security, sign-in links, and
    /// what happens to the organisation itself.
    pub(crate) fn is_sent_while_frozen(self) -> bool {
        matches!(
            self,
            Self::ResetPassword
                | Self::MagicLink
                | Self::AccountViewed
                | Self::MfaEnabled
                | Self::MfaDisabled
                | Self::ChangeEmail
                | Self::EmailChangeRequested
                | Self::PasswordChanged
                | Self::NewDevice
                | Self::EmailReplaced
                | Self::RoleChanged
                | Self::IdentityLinked
                | Self::IdentityUnlinked
                | Self::RecoveryCodeUsed
                | Self::TenantSuspended
                | Self::TenantClosing
        )
    }

    /// The template for a one-time link with this purpose.
    pub(crate) fn from_link_purpose(purpose: &str) -> Option<Self> {
        let templates = [
            Self::VerifyEmail,
            Self::Invite,
            Self::ResetPassword,
            Self::MagicLink,
            Self::ChangeEmail,
        ];
        let mut templates = templates.into_iter();
        templates.find(|template| template.as_str() == purpose)
    }
}
