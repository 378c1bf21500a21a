//! Who hears of an event about a ticket.

use ids::{TicketId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use super::template::Template;

/// One message to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) recipient: UserId,
    pub(crate) template: Template,
}

/// Who did it. Only the identifier matters here: is it one of the recipients?
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Author {
    id: Option<Uuid>,
}

impl Author {
    fn is(self, user: UserId) -> bool {
        self.id == Some(user.uuid())
    }
}

/// The data of `ticket.created`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Created {
    pub(crate) ticket_id: TicketId,
    pub(crate) number: String,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) assigned_to: Option<UserId>,
    #[serde(default)]
    pub(crate) author: Author,
}

impl Created {
    /// The requester always, as a receipt. The assignee, unless they opened it or are the requester as well.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let to_requester = self.requester_id.map(|recipient| Wanted {
            recipient,
            template: Template::TicketOpened,
        });
        let to_assignee = self
            .assigned_to
            .filter(|user| !self.author.is(*user) && Some(*user) != self.requester_id)
            .map(|recipient| Wanted {
                recipient,
                template: Template::TicketAssigned,
            });
        to_requester.into_iter().chain(to_assignee).collect()
    }
}

/// The data of `ticket.commented`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Commented {
    pub(crate) ticket_id: TicketId,
    pub(crate) number: String,
    pub(crate) requester_id: Option<UserId>,
    pub(crate) assigned_to: Option<UserId>,
    pub(crate) visibility: String,
    #[serde(default)]
    pub(crate) author: Author,
}

impl Commented {
    /// Requester and assignee, each once and not about what they wrote themselves. An internal comment: nobody.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        if self.visibility != "public" {
            return Vec::new();
        }
        let assignee = self
            .assigned_to
            .filter(|user| Some(*user) != self.requester_id);
        [self.requester_id, assignee]
            .into_iter()
            .flatten()
            .filter(|user| !self.author.is(*user))
            .map(|recipient| Wanted {
                recipient,
                template: Template::TicketCommented,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn of<T: serde::de::DeserializeOwned>(more: Value) -> T {
        let mut data = json!({"ticket_id": user(99), "number": "T-7", "requester_id": null, "assigned_to": null});
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        serde_json::from_value(data).unwrap()
    }

    fn opened(more: Value) -> Vec<(UserId, Template)> {
        let wanted = of::<Created>(more).wanted();
        wanted
            .iter()
            .map(|one| (one.recipient, one.template))
            .collect()
    }

    fn commented(more: Value) -> Vec<UserId> {
        let wanted = of::<Commented>(more).wanted();
        wanted.iter().map(|one| one.recipient).collect()
    }

    #[test]
    fn a_new_ticket_gives_a_receipt_and_tells_the_assignee() {
        let (ada, ole) = (user(1), user(2));
        let by = |user: UserId| json!({"kind": "user", "id": user});
        assert_eq!(opened(json!({})), []);
        assert_eq!(
            opened(json!({"requester_id": ada, "author": by(ada)})),
            [(ada, Template::TicketOpened)]
        );
        assert_eq!(
            opened(json!({"requester_id": ada, "assigned_to": ole, "author": by(ada)})),
            [
                (ada, Template::TicketOpened),
                (ole, Template::TicketAssigned)
            ]
        );
        assert_eq!(
            opened(json!({"requester_id": ada, "assigned_to": ole, "author": by(ole)})),
            [(ada, Template::TicketOpened)]
        );
        assert_eq!(
            opened(json!({"requester_id": ole, "assigned_to": ole, "author": by(ada)})),
            [(ole, Template::TicketOpened)]
        );
        assert_eq!(
            opened(json!({"assigned_to": ole, "author": {"kind": "system", "id": null}})),
            [(ole, Template::TicketAssigned)]
        );
    }

    #[test]
    fn a_public_comment_is_told_to_everybody_on_the_ticket_but_its_author() {
        let (ada, ole, eve) = (user(1), user(2), user(3));
        let by = |user: UserId, visibility: &str| json!({"requester_id": ada, "assigned_to": ole, "visibility": visibility, "author": {"kind": "user", "id": user}});
        assert_eq!(commented(by(ada, "public")), [ole]);
        assert_eq!(commented(by(ole, "public")), [ada]);
        assert_eq!(commented(by(eve, "public")), [ada, ole]);
        for author in [ada, ole, eve] {
            assert_eq!(commented(by(author, "internal")), []);
        }
        assert_eq!(
            commented(json!({"requester_id": ada, "assigned_to": ada, "visibility": "public"})),
            [ada]
        );
        assert_eq!(commented(json!({"visibility": "public"})), []);
    }
}
