//! What can be permitted here.

access::permissions! {
    feature Some("support");
    /// Reads tickets, their public comments and history.
    TicketRead = "support.ticket.read";
    /// Opens tickets.
    TicketCreate = "support.ticket.create";
    /// Brings tickets along from another system, many at once.
    TicketImport = "support.ticket.import";
    /// Changes tickets; with reach `own` only what a customer may.
    TicketUpdate = "support.ticket.update";
    /// Deletes tickets.
    TicketDelete = "support.ticket.delete";
    /// Brings deleted tickets back.
    TicketRestore = "support.ticket.restore";
    /// Comments; with reach `own` only in public on own tickets.
    CommentCreate = "support.comment.create";
    /// Edits and deletes comments; with reach `own` only those that they wrote.
    CommentUpdate = "support.comment.update";
}
