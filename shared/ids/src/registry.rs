//! The one list of everything that has an identifier.

use crate::{Id, Kind};

macro_rules! registry {
    ($($(#[$doc:meta])* $kind:ident => $alias:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}
        impl Kind for $kind {
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
    /// One device of a user that is signed in.
    Session => SessionId, "session";
    /// A key with which a tenant's scripts call the API.
    ApiKey => ApiKeyId, "api_key";
    /// A link or code that works once.
    OneTimeToken => OneTimeTokenId, "one_time_token";
    /// A sign-in that waits for its second factor.
    MfaChallenge => MfaChallengeId, "mfa_challenge";
    /// A passkey of a user.
    Passkey => PasskeyId, "passkey";
    /// What an authenticator was asked to sign.
    PasskeyChallenge => PasskeyChallengeId, "passkey_challenge";
    /// Who a user is at another issuer.
    OauthIdentity => OauthIdentityId, "oauth_identity";
    /// One sign-in by way of another issuer.
    OauthFlow => OauthFlowId, "oauth_flow";
    /// A skill that a user has.
    Expertise => ExpertiseId, "expertise";
    /// A host name that a tenant says is its own.
    TenantDomain => TenantDomainId, "tenant_domain";
    /// A licence of a tenant.
    License => LicenseId, "license";
    /// A request for help.
    Ticket => TicketId, "ticket";
    /// A remark on a ticket.
    TicketComment => TicketCommentId, "ticket_comment";
    /// One field change of a ticket.
    TicketHistory => TicketHistoryId, "ticket_history";
    /// Something sent to a person outside the application: a mail.
    Message => MessageId, "message";
    /// A stored file.
    File => FileId, "file";
    /// A published event.
    Event => EventId, "event";
    /// An event that a function would not take.
    DeadLetter => DeadLetterId, "dead_letter";
    /// A row of the audit log.
    AuditEntry => AuditEntryId, "audit_entry";
}
