//! Emails about tickets. Events carry identifiers only, so the email has the ticket's number and a link.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use ids::TicketId;

use super::{Notice, queue_messages};
use crate::{
    App,
    domain::{
        mail_content::MailParams,
        recipients::{Recipient, TicketPeople},
        template::Template,
    },
    events::{
        Author, TicketAssigned, TicketClosed, TicketCommented, TicketCreated, TicketResolved,
    },
};

/// Notifies requester and assignee of a new ticket.
pub(super) async fn ticket_created(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    created: TicketCreated,
) -> Result<(), ConsumeError> {
    let people = TicketPeople {
        requester: created.requester_id,
        assignee: created.assigned_to,
        author: created.author.id,
    };
    let notice = Notice {
        recipients: people.notified_of_ticket(),
        params: ticket_params(created.ticket_id, created.number),
        ..Notice::default()
    };
    queue_messages(unit, event, notice).await
}

/// Notifies requester and assignee of a public comment.
pub(super) async fn ticket_commented(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    commented: TicketCommented,
) -> Result<(), ConsumeError> {
    let people = TicketPeople {
        requester: commented.requester_id,
        assignee: commented.assigned_to,
        author: commented.author.id,
    };
    let notice = Notice {
        recipients: people.notified_of_comment(commented.visibility == "public"),
        params: ticket_params(commented.ticket_id, commented.number),
        ..Notice::default()
    };
    queue_messages(unit, event, notice).await
}

/// Notifies the new assignee, unless they took the ticket themselves.
pub(super) async fn ticket_assigned(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    assigned: TicketAssigned,
) -> Result<(), ConsumeError> {
    let template = Template::TicketAssigned;
    let notice = about_ticket(
        assigned
            .assigned_to
            .map(|user| Recipient { user, template }),
        assigned.author,
        assigned.ticket_id,
        assigned.number,
    );
    queue_messages(unit, event, notice).await
}

/// Notifies the requester of a resolved ticket, unless they resolved it.
pub(super) async fn ticket_resolved(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    resolved: TicketResolved,
) -> Result<(), ConsumeError> {
    let template = Template::TicketResolved;
    let notice = about_ticket(
        resolved
            .requester_id
            .map(|user| Recipient { user, template }),
        resolved.author,
        resolved.ticket_id,
        resolved.number,
    );
    queue_messages(unit, event, notice).await
}

/// Notifies the requester of a closed ticket, unless they closed it.
pub(super) async fn ticket_closed(
    _: &App,
    unit: &mut UnitOfWork,
    event: &Envelope,
    closed: TicketClosed,
) -> Result<(), ConsumeError> {
    let template = Template::TicketClosed;
    let notice = about_ticket(
        closed.requester_id.map(|user| Recipient { user, template }),
        closed.author,
        closed.ticket_id,
        closed.number,
    );
    queue_messages(unit, event, notice).await
}

/// A message to one person of a ticket, unless they did it themselves. Events from before an update have no number, and
/// get no message.
fn about_ticket(
    recipient: Option<Recipient>,
    author: Author,
    ticket_id: TicketId,
    number: Option<String>,
) -> Notice<'static> {
    let recipient = recipient.filter(|recipient| author.id != Some(recipient.user.uuid()));
    match (recipient, number) {
        (Some(recipient), Some(number)) => Notice {
            recipients: vec![recipient],
            params: ticket_params(ticket_id, number),
            ..Notice::default()
        },
        _ => Notice::default(),
    }
}

fn ticket_params(ticket_id: TicketId, number: String) -> MailParams {
    MailParams {
        number: Some(number),
        ticket_id: Some(ticket_id),
        ..MailParams::default()
    }
}

#[cfg(test)]
mod tests {
    use ids::UserId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_author_may_be_missing_or_have_no_identifier() {
        let id = UserId::from_uuid(Uuid::from_u128(1));
        for (author, expected) in [
            (json!({"kind": "user", "id": id}), Some(id.uuid())),
            (json!({"kind": "system", "id": null}), None),
            (json!({}), None),
        ] {
            let data = json!({"ticket_id": id, "number": "T-7", "requester_id": null, "assigned_to": null, "author": author});
            let created: TicketCreated = serde_json::from_value(data).unwrap();
            assert_eq!(created.author.id, expected);
        }
        let data = json!({"ticket_id": id, "number": "T-7", "visibility": "public"});
        let commented: TicketCommented = serde_json::from_value(data).unwrap();
        assert_eq!(commented.author.id, None);
    }
}
