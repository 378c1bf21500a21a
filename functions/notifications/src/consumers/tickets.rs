//! Emails about tickets. Events carry identifiers only, so the email has the ticket's number and a link.

use ::events::{ConsumeError, Envelope};
use db::TenantTx;
use ids::{TicketId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use super::{MessageOptions, queue_messages};
use crate::{
    App,
    domain::{mail_content::MailParams, recipients::TicketPeople},
};

/// The actor of an event; the kind does not matter here.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Author {
    id: Option<Uuid>,
}

/// The data of `ticket.created`.
#[derive(Debug, Deserialize)]
struct TicketCreated {
    ticket_id: TicketId,
    number: String,
    requester_id: Option<UserId>,
    assigned_to: Option<UserId>,
    #[serde(default)]
    author: Author,
}

/// The data of `ticket.commented`.
#[derive(Debug, Deserialize)]
struct TicketCommented {
    ticket_id: TicketId,
    number: String,
    requester_id: Option<UserId>,
    assigned_to: Option<UserId>,
    visibility: String,
    #[serde(default)]
    author: Author,
}

/// Notifies requester and assignee of a new ticket.
pub(super) async fn ticket_created(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let created: TicketCreated = event.data_as()?;
    let people = TicketPeople {
        requester: created.requester_id,
        assignee: created.assigned_to,
        author: created.author.id,
    };
    let recipients = people.notified_of_ticket();
    let params = ticket_params(created.ticket_id, created.number);
    let options = MessageOptions::default();
    queue_messages(app, tx, event, &recipients, &params, options).await
}

/// Notifies requester and assignee of a public comment.
pub(super) async fn ticket_commented(
    app: &App,
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let commented: TicketCommented = event.data_as()?;
    let people = TicketPeople {
        requester: commented.requester_id,
        assignee: commented.assigned_to,
        author: commented.author.id,
    };
    let recipients = people.notified_of_comment(commented.visibility == "public");
    let params = ticket_params(commented.ticket_id, commented.number);
    let options = MessageOptions::default();
    queue_messages(app, tx, event, &recipients, &params, options).await
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
    use serde_json::json;

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
