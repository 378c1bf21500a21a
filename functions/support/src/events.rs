//! Events published by this context. Data holds identifiers and codes only, never names or texts written by people.

use crate::ids::TicketCommentId;
use db::Actor;
use ids::{TicketId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{comment::Visibility, status::Status, ticket::Priority},
    store::tickets::Number,
};

events::events! {
    context "support";
    /// A ticket was created.
    TicketCreated = "ticket.created.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// Its number.
        number: Number = Number(1042),
        /// Its priority.
        priority: Priority = Priority::Medium,
        /// The requester, if they are a person of the tenant.
        requester_id: Option<UserId> = Some(example_user()),
        /// The assignee.
        assigned_to: Option<UserId> = None,
        /// Who created it.
        author: Actor = Actor::user(example_user()),
    }
    /// Tickets were imported from another system; no other event is published for them.
    TicketsImported = "ticket.imported.v1", subject ticket_ids {
        /// The tickets, at most 250.
        ticket_ids: ImportedTickets = ImportedTickets(vec![example_ticket()]),
    }
    /// Fields of a ticket changed.
    TicketUpdated = "ticket.updated.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The names of the changed fields.
        fields: Vec<String> = vec!["title".to_owned(), "status".to_owned()],
    }
    /// The assignee of a ticket changed.
    TicketAssigned = "ticket.assigned.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The new assignee.
        assigned_to: Option<UserId> = Some(example_user()),
        /// The previous assignee.
        previously: Option<UserId> = None,
        /// The number of the ticket.
        number: Number = Number(1042),
        /// Who assigned it.
        author: Actor = Actor::user(example_user()),
    }
    /// The status of a ticket changed.
    TicketStatusChanged = "ticket.status_changed.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The status before the change.
        from: Status = Status::Open,
        /// The status after the change.
        to: Status = Status::InProgress,
    }
    /// A comment was added to a ticket.
    TicketCommented = "ticket.commented.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The number of the ticket.
        number: Number = Number(1042),
        /// The requester of the ticket, if they are a person of the tenant.
        requester_id: Option<UserId> = Some(example_user()),
        /// The assignee of the ticket.
        assigned_to: Option<UserId> = None,
        /// The comment.
        comment_id: TicketCommentId = TicketCommentId::from_uuid(Uuid::from_u128(3)),
        /// Who can see the comment.
        visibility: Visibility = Visibility::Public,
        /// Who wrote the comment.
        author: Actor = Actor::user(example_user()),
    }
    /// A ticket was resolved.
    TicketResolved = "ticket.resolved.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The number of the ticket.
        number: Number = Number(1042),
        /// The requester of the ticket, if they are a person of the tenant.
        requester_id: Option<UserId> = Some(example_user()),
        /// Who resolved it.
        author: Actor = Actor::user(example_user()),
    }
    /// A ticket was closed.
    TicketClosed = "ticket.closed.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// The number of the ticket.
        number: Number = Number(1042),
        /// The requester of the ticket, if they are a person of the tenant.
        requester_id: Option<UserId> = Some(example_user()),
        /// Who closed it.
        author: Actor = Actor::user(example_user()),
    }
    /// A ticket was deleted or restored.
    TicketDeleted = "ticket.deleted.v1", subject ticket_id {
        /// The ticket.
        ticket_id: TicketId = example_ticket(),
        /// Whether it is deleted now.
        deleted: bool = true,
    }
}

/// A batch of imported tickets. Its first ticket identifies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportedTickets(pub Vec<TicketId>);

impl events::Subject for ImportedTickets {
    fn subject(&self) -> String {
        let first = self.0.first().map(ToString::to_string);
        format!("import/{}", first.unwrap_or_default())
    }
}

fn example_ticket() -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(1))
}

fn example_user() -> UserId {
    UserId::from_uuid(Uuid::from_u128(2))
}
