//! What this context announces. Data are identifiers and plain words, never names or texts of people.

events::kinds! {
    context "support";
    /// A ticket was opened. Data: `ticket_id`, `number`, `priority`, `requester_id`, `assigned_to`, `author` (kind and id).
    TICKET_CREATED = "ticket.created.v1";
    /// Tickets were brought along from another system; there is no other event for them. Data: `ticket_ids`, at most 250.
    TICKETS_IMPORTED = "ticket.imported.v1";
    /// Fields of a ticket changed. Data: `ticket_id`, `fields`.
    TICKET_UPDATED = "ticket.updated.v1";
    /// Somebody else is to work on it. Data: `ticket_id`, `assigned_to`, `previously`.
    TICKET_ASSIGNED = "ticket.assigned.v1";
    /// It took a step. Data: `ticket_id`, `from`, `to`.
    TICKET_STATUS_CHANGED = "ticket.status_changed.v1";
    /// A comment was written. Data: `ticket_id`, `number`, `requester_id`, `assigned_to`, `comment_id`, `visibility`, `author` (kind and id).
    TICKET_COMMENTED = "ticket.commented.v1";
    /// It is resolved. Data: `ticket_id`.
    TICKET_RESOLVED = "ticket.resolved.v1";
    /// It is closed. Data: `ticket_id`.
    TICKET_CLOSED = "ticket.closed.v1";
    /// It was deleted, or brought back. Data: `ticket_id`, `deleted`.
    TICKET_DELETED = "ticket.deleted.v1";
}

/// An entry of this catalogue.
pub(crate) type Kind = &'static events::EventKind;
