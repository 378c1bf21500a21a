//! The identifiers that several contexts know.

/// Declares identifiers: a kind, its type, and its name in `snake_case`. A context declares those that only it knows.
///
/// ```
/// ids::ids! {
///     /// A note.
///     Note => NoteId, "note";
/// }
/// let id = NoteId::at(chrono::DateTime::UNIX_EPOCH);
/// assert!(format!("{id:?}").starts_with("note:"));
/// ```
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $kind:ident => $alias:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}
        impl $crate::IdKind for $kind {
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = $crate::Id<$kind>;
    )*};
}

crate::ids! {
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
    /// A support ticket.
    Ticket => TicketId, "ticket";
    /// A published event.
    Event => EventId, "event";
    /// An entry of the audit log.
    AuditEntry => AuditEntryId, "audit_entry";
}
