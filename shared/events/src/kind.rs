//! Event types.

/// An event type of a context. Declared with [`kinds!`](crate::kinds!).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// CloudEvents `type`: `de.revalenz.<context>.<thing>.<past tense>.v<n>`.
    pub r#type: &'static str,
    /// The producing context; the CloudEvents `source` is `/` followed by this name.
    pub context: &'static str,
    /// When the event is published.
    pub doc: &'static str,
}

/// Declares the event types of a context, and `ALL`, a list of them.
///
/// ```
/// events::kinds! {
///     context "support";
///     /// A ticket was created.
///     TICKET_CREATED = "ticket.created.v1";
/// }
/// assert_eq!(TICKET_CREATED.r#type, "de.revalenz.support.ticket.created.v1");
/// ```
#[macro_export]
macro_rules! kinds {
    (context $context:literal; $($(#[doc = $doc:literal])* $name:ident = $type:literal;)*) => {
        $(
            $(#[doc = $doc])*
            pub static $name: $crate::EventKind = $crate::EventKind {
                r#type: concat!("de.revalenz.", $context, ".", $type),
                context: $context,
                doc: concat!($($doc,)*),
            };
        )*
        /// Every event declared here.
        pub static ALL: &[&$crate::EventKind] = &[$(&$name),*];
    };
}
