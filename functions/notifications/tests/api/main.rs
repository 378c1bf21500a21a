//! Notifications as the relay and the recipients meet them: events pushed over HTTP in process, mails in the hands of a
//! mailer, a real database each.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod accounts;
mod killed;
mod links;
mod local_mail;
mod organisation;
mod post;
mod quotas;
mod security;
mod sending;
mod smtp;
mod tickets;

use access::Purpose;
use axum::{Router, body::Body};
use db::Db;
use events::{Envelope, push};
use http::{Request, Response, header};
use ids::{EventId, UserId};
use notifications::Mailer;
use serde_json::{Value, json};
use sqlx::{FromRow, PgConnection};
use std::sync::Arc;
use testkit::{Stage, TestTenant};
use tower::ServiceExt;
use web::edge::{self, Edge};

/// A stage with one tenant and this function, reached as the relay reaches it.
struct Scene {
    stage: Stage,
    demo: TestTenant,
    db: Db,
    internal: Router,
}

/// What is kept of a message.
#[derive(Debug, FromRow)]
struct Message {
    template: String,
    locale: String,
    recipient_id: UserId,
    address: String,
    subject: String,
    sealed: Option<Vec<u8>>,
    status: String,
    attempts: i32,
    last_error: Option<String>,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::of(&[("notifications", notifications::service)]).await;
        let demo = stage.tenant("demo").await;
        let db = Db::lazy(&stage.database.login_url("notifications"), 5).unwrap();
        let service = notifications::service(db.clone(), stage.gate.clone());
        let internal = wrapped(&stage, service.internal);
        Self {
            stage,
            demo,
            db,
            internal,
        }
    }

    fn sender(&self, mailer: Arc<dyn Mailer>) -> notifications::Sender {
        notifications::Sender::new(self.db.clone(), self.stage.gate.clone(), mailer)
    }

    /// An event of the tenant that happens now.
    fn event(&self, r#type: &str, data: Value) -> Envelope {
        Envelope {
            id: EventId::at(self.stage.clock.now()),
            source: "/test".to_owned(),
            r#type: format!("de.revalenz.{type}.v1"),
            subject: "things/1".to_owned(),
            time: self.stage.clock.now(),
            tenant: self.demo.id,
            version: 1,
            request_id: None,
            traceparent: None,
            data,
            sealed: None,
        }
    }

    /// A ticket of the customer was opened, and nobody works on it.
    fn opened(&self) -> Envelope {
        let author = json!({"kind": "user", "id": self.demo.customer.id});
        let data = json!({
            "ticket_id": self.demo.id, "number": "T-1001", "priority": "medium",
            "requester_id": self.demo.customer.id, "assigned_to": null, "author": author,
        });
        self.event("support.ticket.created", data)
    }

    /// A link for somebody, sealed as identity and tenancy seal it.
    fn linked(&self, r#type: &str, purpose: &str, user: UserId, token: &str) -> Envelope {
        let data = json!({"user_id": user, "one_time_token_id": user, "purpose": purpose});
        let context = self.demo.id.uuid();
        let keyring = self.stage.gate.keyring();
        let sealed = keyring.seal(Purpose::Notifications, context.as_bytes(), token.as_bytes());
        Envelope {
            sealed: Some(sealed.unwrap()),
            ..self.event(r#type, data)
        }
    }

    /// What the function answers to an event.
    async fn push(&self, event: &Envelope) -> Response<Body> {
        push_to(&self.internal, &self.stage, event).await
    }

    /// Brings an event that is taken.
    async fn tell(&self, event: &Envelope) {
        assert_eq!(self.push(event).await.status(), 204, "{event:?}");
    }

    async fn admin(&self) -> PgConnection {
        self.stage.admin().await
    }

    async fn messages(&self) -> Vec<Message> {
        sqlx::query_as(
            "select template, locale, recipient_id, address, subject, sealed, status, attempts, last_error
            from notifications.messages
            where tenant_id = $1
            order by created_at, template",
        )
        .bind(self.demo.id)
        .fetch_all(&mut self.admin().await)
        .await
        .unwrap()
    }

    /// How many messages of any tenant are still to be sent.
    async fn queued(&self) -> i64 {
        let query = "select count(*) from notifications.messages where status = 'queued'";
        sqlx::query_scalar(query)
            .fetch_one(&mut self.admin().await)
            .await
            .unwrap()
    }

    /// The one message that there is.
    async fn message(&self) -> Message {
        let mut messages = self.messages().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// Changes something that other functions own.
    async fn arrange(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.admin().await)
            .await
            .unwrap();
    }
}

fn wrapped(stage: &Stage, router: Router) -> Router {
    let edge = Edge {
        clock: stage.clock.clone(),
        trusted_proxies: 0,
    };
    edge::wrap(router, edge)
}

async fn push_to(router: &Router, stage: &Stage, event: &Envelope) -> Response<Body> {
    let body = push::wrap(event, "notifications", 1).to_string();
    let request = Request::post(push::PATH)
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::AUTHORIZATION,
            stage.gate.internal_auth().header().unwrap(),
        )
        .body(Body::from(body))
        .unwrap();
    router.clone().oneshot(request).await.unwrap()
}
