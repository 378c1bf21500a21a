//! Plays the steps of the timeline through the API, one after the other.

use std::collections::HashMap;

use ids::{TicketId, UserId};
use serde_json::{Value, json};

use super::{
    cast,
    corpus::Ticket,
    timeline::{Act, Step},
    world::{Account, World},
};
use crate::{Error, sign_ins::Tenant};

/// Tickets of a tenant that have a file.
const WITH_FILES: usize = 3;

/// A tenant whose tickets are written, answered, closed.
pub struct Play<'a> {
    /// Slug of the tenant.
    pub slug: &'static str,
    /// Who plays.
    pub tenant: &'a Tenant,
    /// Where.
    pub world: &'a mut World,
    /// What.
    pub tickets: &'a [Ticket],
    known: HashMap<usize, TicketId>,
}

impl<'a> Play<'a> {
    /// Nothing was played yet.
    pub fn new(
        slug: &'static str,
        tenant: &'a Tenant,
        world: &'a mut World,
        tickets: &'a [Ticket],
    ) -> Self {
        Self {
            slug,
            tenant,
            world,
            tickets,
            known: HashMap::new(),
        }
    }

    /// Plays one step. Playing it twice does no harm.
    pub async fn step(&mut self, number: usize, step: &Step) -> Result<(), Error> {
        self.world.wait_until(step.at);
        let actor = cast::account(self.slug, self.tenant, step.by)?;
        match step.act {
            Act::Open => self.open(step.ticket).await.map(|_| ()),
            Act::Assign(expert) => {
                let body = json!({"assigned_to": self.user(expert)});
                self.change(&actor, step.ticket, &body).await
            }
            Act::Take => {
                let body = json!({"assigned_to": self.user(step.by), "status": "in_progress"});
                self.change(&actor, step.ticket, &body).await
            }
            Act::Comment(comment) => self.comment(&actor, number, step.ticket, comment).await,
            // A customer's answer may already have moved it, and a repeated step finds it moved: staying is no error.
            Act::Move(status) => {
                let body = json!({"status": status.as_str()});
                self.change(&actor, step.ticket, &body).await
            }
        }
    }

    /// Something is attached to the first tickets. Doing it twice does no harm.
    pub async fn attach_files(&mut self) -> Result<(), Error> {
        for ticket in 0..self.tickets.len().min(WITH_FILES) {
            let (customer, name, content) = if self.tickets[ticket].language == "de" {
                (
                    "customer",
                    "Beobachtungen.txt",
                    "08:10 wieder\n08:40 nichts\n09:15 wieder\n",
                )
            } else {
                (
                    "customer2",
                    "Observations.txt",
                    "08:10 again\n08:40 nothing\n09:15 again\n",
                )
            };
            let actor = cast::account(self.slug, self.tenant, customer)?;
            let id = self.id(ticket).await?;
            self.world.attach(&actor, id, name, content).await?;
        }
        Ok(())
    }

    /// Writes the ticket, or finds the one that was written before.
    async fn open(&mut self, ticket: usize) -> Result<TicketId, Error> {
        let written = &self.tickets[ticket];
        let customer = if written.language == "de" {
            "customer"
        } else {
            "customer2"
        };
        let actor = cast::account(self.slug, self.tenant, customer)?;
        let body = json!({
            "title": written.title,
            "description": written.description,
            "priority": written.priority,
            "category": written.category,
            "tags": written.tags,
        });
        let once = format!("demo-ticket-{ticket}");
        let answer = self
            .world
            .call(
                &actor,
                http::Method::POST,
                "/tickets",
                Some(&body),
                Some(&once),
            )
            .await?;
        let id = answer.success()?.id()?;
        self.known.insert(ticket, id);
        Ok(id)
    }

    /// The ticket's identifier; after an interruption it is asked for by its title.
    async fn id(&mut self, ticket: usize) -> Result<TicketId, Error> {
        if let Some(id) = self.known.get(&ticket) {
            return Ok(*id);
        }
        let manager = cast::account(self.slug, self.tenant, "manager")?;
        let mut cursor = String::new();
        loop {
            let path = format!("/tickets?limit=200&sort=created{cursor}");
            let answer = self.world.get(&manager, &path).await?.success()?;
            for item in answer.body["items"].as_array().into_iter().flatten() {
                let index = self.tickets.iter().position(|t| item["title"] == t.title);
                let id = item["id"].as_str().and_then(|id| id.parse().ok());
                if let (Some(index), Some(id)) = (index, id) {
                    self.known.insert(index, id);
                }
            }
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        self.known
            .get(&ticket)
            .copied()
            .ok_or_else(|| format!("the ticket {:?} is gone", self.tickets[ticket].title).into())
    }

    fn user(&self, person: &str) -> Option<UserId> {
        self.tenant.users.get(person).and_then(|user| user.id)
    }

    async fn comment(
        &mut self,
        actor: &Account,
        number: usize,
        ticket: usize,
        comment: usize,
    ) -> Result<(), Error> {
        let said = &self.tickets[ticket].comments[comment];
        let body = json!({"content": said.content, "visibility": said.visibility.as_str()});
        let path = format!("/tickets/{}/comments", self.id(ticket).await?);
        let once = format!("demo-step-{number}");
        self.world
            .call(actor, http::Method::POST, &path, Some(&body), Some(&once))
            .await?
            .success()?;
        Ok(())
    }

    async fn change(&mut self, actor: &Account, ticket: usize, body: &Value) -> Result<(), Error> {
        let path = format!("/tickets/{}", self.id(ticket).await?);
        self.world.put(actor, &path, body).await?.success()?;
        Ok(())
    }
}
