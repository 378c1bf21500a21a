//! The identifiers that only this context knows.

::ids::ids! {
    /// A comment on a ticket.
    TicketComment => TicketCommentId, "ticket_comment";
    /// One field change of a ticket.
    TicketHistory => TicketHistoryId, "ticket_history";
}
