//! Permissions of this context.

access::permissions! {
    feature Some(crate::declarations::FLAG.declaration().name);
    /// Read tickets, their public comments and their history.
    TicketRead = "support.ticket.read";
    /// Create tickets.
    TicketCreate = "support.ticket.create";
    /// Import tickets from another system.
    TicketImport = "support.ticket.import", audited;
    /// Update tickets; with reach `own`, only the fields that customers may change.
    TicketUpdate = "support.ticket.update";
    /// Delete tickets.
    TicketDelete = "support.ticket.delete";
    /// Restore deleted tickets.
    TicketRestore = "support.ticket.restore";
    /// Add comments; with reach `own`, only public comments on own tickets.
    CommentCreate = "support.comment.create";
    /// Edit and delete comments; with reach `own`, only own comments.
    CommentUpdate = "support.comment.update";
}
