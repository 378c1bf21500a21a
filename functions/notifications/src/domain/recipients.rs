//! Who is notified of events about a ticket.

use ids::UserId;
use uuid::Uuid;

use super::template::Template;

/// A message to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) user: UserId,
    pub(crate) template: Template,
}

/// The people that an event about a ticket names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TicketPeople {
    pub(crate) requester: Option<UserId>,
    pub(crate) assignee: Option<UserId>,
    /// The actor's identifier, which may be a user's.
    pub(crate) author: Option<Uuid>,
}

impl TicketPeople {
    /// Recipients of a new ticket: the requester, as a confirmation, and the assignee unless they opened it or are the requester.
    pub(crate) fn notified_of_ticket(&self) -> Vec<Recipient> {
        let requester = self.requester.map(|user| Recipient {
            user,
            template: Template::TicketOpened,
        });
        let assignee = self
            .assignee_unless_requester()
            .filter(|user| !self.is_author(*user))
            .map(|user| Recipient {
                user,
                template: Template::TicketAssigned,
            });
        requester.into_iter().chain(assignee).collect()
    }

    /// Recipients of a comment: requester and assignee, except its author. Internal comments notify no one.
    pub(crate) fn notified_of_comment(&self, is_public: bool) -> Vec<Recipient> {
        if !is_public {
            return Vec::new();
        }
        [self.requester, self.assignee_unless_requester()]
            .into_iter()
            .flatten()
            .filter(|user| !self.is_author(*user))
            .map(|user| Recipient {
                user,
                template: Template::TicketCommented,
            })
            .collect()
    }

    fn assignee_unless_requester(&self) -> Option<UserId> {
        self.assignee.filter(|user| Some(*user) != self.requester)
    }

    fn is_author(&self, user: UserId) -> bool {
        self.author == Some(user.uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn people(
        requester: Option<UserId>,
        assignee: Option<UserId>,
        author: Option<UserId>,
    ) -> TicketPeople {
        TicketPeople {
            requester,
            assignee,
            author: author.map(UserId::uuid),
        }
    }

    fn notified_of_ticket(people: TicketPeople) -> Vec<(UserId, Template)> {
        let recipients = people.notified_of_ticket();
        recipients
            .iter()
            .map(|recipient| (recipient.user, recipient.template))
            .collect()
    }

    fn notified_of_comment(people: TicketPeople, is_public: bool) -> Vec<UserId> {
        let recipients = people.notified_of_comment(is_public);
        recipients.iter().map(|recipient| recipient.user).collect()
    }

    #[test]
    fn a_new_ticket_is_confirmed_to_the_requester_and_announced_to_the_assignee() {
        let (ada, ole) = (user(1), user(2));
        assert_eq!(notified_of_ticket(TicketPeople::default()), []);
        assert_eq!(
            notified_of_ticket(people(Some(ada), None, Some(ada))),
            [(ada, Template::TicketOpened)]
        );
        assert_eq!(
            notified_of_ticket(people(Some(ada), Some(ole), Some(ada))),
            [
                (ada, Template::TicketOpened),
                (ole, Template::TicketAssigned)
            ]
        );
        assert_eq!(
            notified_of_ticket(people(Some(ada), Some(ole), Some(ole))),
            [(ada, Template::TicketOpened)]
        );
        assert_eq!(
            notified_of_ticket(people(Some(ole), Some(ole), Some(ada))),
            [(ole, Template::TicketOpened)]
        );
        assert_eq!(
            notified_of_ticket(people(None, Some(ole), None)),
            [(ole, Template::TicketAssigned)]
        );
    }

    #[test]
    fn a_public_comment_is_sent_to_everyone_on_the_ticket_except_its_author() {
        let (ada, ole, eve) = (user(1), user(2), user(3));
        let by = |author| people(Some(ada), Some(ole), Some(author));
        assert_eq!(notified_of_comment(by(ada), true), [ole]);
        assert_eq!(notified_of_comment(by(ole), true), [ada]);
        assert_eq!(notified_of_comment(by(eve), true), [ada, ole]);
        for author in [ada, ole, eve] {
            assert_eq!(notified_of_comment(by(author), false), []);
        }
        assert_eq!(
            notified_of_comment(people(Some(ada), Some(ada), None), true),
            [ada]
        );
        assert_eq!(notified_of_comment(TicketPeople::default(), true), []);
    }
}
