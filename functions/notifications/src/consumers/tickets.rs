//! Emails about tickets. Events carry identifiers only, so the email has the ticket's number and a link.

use ::events::{ConsumeError, Envelope, UnitOfWork};
use ids::TicketId;

use super::{Notice, queue_messages};
use crate::{
    App,
    domain::{mail_content::MailParams, recipients::TicketPeople},
    events::{TicketCommented, TicketCreated},
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
