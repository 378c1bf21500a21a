//! Events published by this context. Data holds identifiers and codes only, never names or texts written by people.

events::kinds! {
    context "support";
    /// A ticket was created. Data: `ticket_id`, `number`, `priority`, `requester_id`, `assigned_to`, `author` (kind and id).
    TICKET_CREATED = "ticket.created.v1";
    /// Tickets were imported from another system; no other event is published for them. Data: `ticket_ids`, at most 250.
    TICKETS_IMPORTED = "ticket.imported.v1";
    /// Fields of a ticket changed. Data: `ticket_id`, `fields`.
    TICKET_UPDATED = "ticket.updated.v1";
    /// The assignee of a ticket changed. Data: `ticket_id`, `assigned_to`, `previously`.
    TICKET_ASSIGNED = "ticket.assigned.v1";
    /// The status of a ticket changed. Data: `ticket_id`, `from`, `to`.
    TICKET_STATUS_CHANGED = "ticket.status_changed.v1";
    /// A comment was added to a ticket. Data: `ticket_id`, `number`, `requester_id`, `assigned_to`, `comment_id`, `visibility`, `author` (kind and id).
    TICKET_COMMENTED = "ticket.commented.v1";
    /// A ticket was resolved. Data: `ticket_id`.
    TICKET_RESOLVED = "ticket.resolved.v1";
    /// A ticket was closed. Data: `ticket_id`.
    TICKET_CLOSED = "ticket.closed.v1";
    /// A ticket was deleted or restored. Data: `ticket_id`, `deleted`.
    TICKET_DELETED = "ticket.deleted.v1";
}

/// An entry of this catalogue.
pub(crate) type Kind = &'static events::EventKind;
