//! Runs the steps of the timeline through the API, one after the other.

use std::collections::HashMap;

use ids::{TicketId, UserId};
use serde_json::{Value, json};

use super::{
    client::{Account, DemoClient},
    fixtures::Ticket,
    timeline::{Action, Step},
    users,
};
use crate::{Error, sign_ins::Tenant};

/// Number of tickets per tenant with an attachment.
const TICKETS_WITH_FILES: usize = 3;

/// Runs the steps of one tenant.
pub struct ScenarioRunner<'a> {
    /// Slug of the tenant.
    pub slug: &'static str,
    /// Users of the tenant.
    pub tenant: &'a Tenant,
    /// API client.
    pub client: &'a mut DemoClient,
    /// Ticket fixtures.
    pub tickets: &'a [Ticket],
    ticket_ids: HashMap<usize, TicketId>,
}

impl<'a> ScenarioRunner<'a> {
    /// Creates a runner.
    pub fn new(
        slug: &'static str,
        tenant: &'a Tenant,
        client: &'a mut DemoClient,
        tickets: &'a [Ticket],
    ) -> Self {
        Self {
            slug,
            tenant,
            client,
            tickets,
            ticket_ids: HashMap::new(),
        }
    }

    /// Runs one step. Steps are idempotent.
    pub async fn run_step(&mut self, number: usize, step: &Step) -> Result<(), Error> {
        self.client.advance_to(step.at);
        let account = users::account_of(self.slug, self.tenant, step.by)?;
        match step.action {
            Action::Open => self.open_ticket(step.ticket).await.map(|_| ()),
            Action::Assign(expert) => {
                let body = json!({"assigned_to": self.user_id(expert)});
                self.update_ticket(&account, step.ticket, &body).await
            }
            Action::Take => {
                let body = json!({"assigned_to": self.user_id(step.by), "status": "in_progress"});
                self.update_ticket(&account, step.ticket, &body).await
            }
            Action::Comment(comment) => {
                self.add_comment(&account, number, step.ticket, comment)
                    .await
            }
            // A reply or an earlier run may already have set this status; the API accepts an unchanged status.
            Action::SetStatus(status) => {
                let body = json!({"status": status.as_str()});
                self.update_ticket(&account, step.ticket, &body).await
            }
        }
    }

    /// Attaches a file to each of the first tickets. Idempotent.
    pub async fn attach_files(&mut self) -> Result<(), Error> {
        for ticket in 0..self.tickets.len().min(TICKETS_WITH_FILES) {
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
            let account = users::account_of(self.slug, self.tenant, customer)?;
            let id = self.ticket_id(ticket).await?;
            self.client.attach_file(&account, id, name, content).await?;
        }
        Ok(())
    }

    /// Creates the ticket, or returns the one from an earlier run.
    async fn open_ticket(&mut self, ticket: usize) -> Result<TicketId, Error> {
        let fixture = &self.tickets[ticket];
        let customer = if fixture.language == "de" {
            "customer"
        } else {
            "customer2"
        };
        let account = users::account_of(self.slug, self.tenant, customer)?;
        let body = json!({
            "title": fixture.title,
            "description": fixture.description,
            "priority": fixture.priority,
            "category": fixture.category,
            "tags": fixture.tags,
        });
        let idempotency_key = format!("demo-ticket-{ticket}");
        let answer = self
            .client
            .call(
                &account,
                http::Method::POST,
                "/tickets",
                Some(&body),
                Some(&idempotency_key),
            )
            .await?;
        let id = answer.success()?.id()?;
        self.ticket_ids.insert(ticket, id);
        Ok(id)
    }

    /// Returns the identifier of a ticket; after an interruption it is found by title.
    async fn ticket_id(&mut self, ticket: usize) -> Result<TicketId, Error> {
        if let Some(id) = self.ticket_ids.get(&ticket) {
            return Ok(*id);
        }
        let manager = users::account_of(self.slug, self.tenant, "manager")?;
        let mut cursor = String::new();
        loop {
            let path = format!("/tickets?limit=200&sort=created{cursor}");
            let answer = self.client.get(&manager, &path).await?.success()?;
            for item in answer.body["items"].as_array().into_iter().flatten() {
                let index = self.tickets.iter().position(|t| item["title"] == t.title);
                let id = item["id"].as_str().and_then(|id| id.parse().ok());
                if let (Some(index), Some(id)) = (index, id) {
                    self.ticket_ids.insert(index, id);
                }
            }
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        self.ticket_ids.get(&ticket).copied().ok_or_else(|| {
            format!("the ticket {:?} does not exist", self.tickets[ticket].title).into()
        })
    }

    fn user_id(&self, person: &str) -> Option<UserId> {
        self.tenant.users.get(person).and_then(|user| user.id)
    }

    async fn add_comment(
        &mut self,
        account: &Account,
        number: usize,
        ticket: usize,
        comment: usize,
    ) -> Result<(), Error> {
        let fixture = &self.tickets[ticket].comments[comment];
        let body = json!({"content": fixture.content, "visibility": fixture.visibility.as_str()});
        let path = format!("/tickets/{}/comments", self.ticket_id(ticket).await?);
        let idempotency_key = format!("demo-step-{number}");
        self.client
            .call(
                account,
                http::Method::POST,
                &path,
                Some(&body),
                Some(&idempotency_key),
            )
            .await?
            .success()?;
        Ok(())
    }

    async fn update_ticket(
        &mut self,
        account: &Account,
        ticket: usize,
        body: &Value,
    ) -> Result<(), Error> {
        let path = format!("/tickets/{}", self.ticket_id(ticket).await?);
        self.client.put(account, &path, body).await?.success()?;
        Ok(())
    }
}
