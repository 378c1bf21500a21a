//! The list of all identifiers.

use crate::{Id, IdKind};

macro_rules! registry {
    ($($(#[$doc:meta])* $kind:ident => $alias:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}
        impl IdKind for $kind {
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

registry! {
    /// A customer organisation.
    Tenant => TenantId, "tenant";
    /// A person who can sign in to one tenant.
    User => UserId, "user";
    /// A named set of permissions in a tenant.
    Role => RoleId, "role";
    /// A signed-in device of a user.
    Session => SessionId, "session";
    /// A key for programs of a tenant to call the API.
    ApiKey => ApiKeyId, "api_key";
    /// A link or code that can be used once.
    OneTimeToken => OneTimeTokenId, "one_time_token";
    /// A sign-in that is waiting for its second factor.
    MfaChallenge => MfaChallengeId, "mfa_challenge";
    /// A passkey of a user.
    Passkey => PasskeyId, "passkey";
    /// A challenge for a passkey.
    PasskeyChallenge => PasskeyChallengeId, "passkey_challenge";
    /// A user's identity at an external provider.
    OauthIdentity => OauthIdentityId, "oauth_identity";
    /// A sign-in via an external provider.
    OauthFlow => OauthFlowId, "oauth_flow";
    /// A skill of a user.
    Expertise => ExpertiseId, "expertise";
    /// A host name claimed by a tenant.
    TenantDomain => TenantDomainId, "tenant_domain";
    /// A licence of a tenant.
    License => LicenseId, "license";
    /// A support ticket.
    Ticket => TicketId, "ticket";
    /// A comment on a ticket.
    TicketComment => TicketCommentId, "ticket_comment";
    /// One field change of a ticket.
    TicketHistory => TicketHistoryId, "ticket_history";
    /// A message sent to a person, such as an email.
    Message => MessageId, "message";
    /// A stored file.
    File => FileId, "file";
    /// A published event.
    Event => EventId, "event";
    /// An event that a function refused.
    DeadLetter => DeadLetterId, "dead_letter";
    /// An entry of the audit log.
    AuditEntry => AuditEntryId, "audit_entry";
}
