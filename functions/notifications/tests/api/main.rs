//! Tests of notifications through its public interface: events pushed over HTTP in process, emails given to a mailer, and a real
//! database per test.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod accounts;
mod crashes;
mod links;
mod local_mail;
mod organisation;
mod quotas;
mod recording_mailer;
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
use testkit::{TestApp, TestTenant};
use tower::ServiceExt;
use web::edge::{self, Edge};

/// A database with one tenant, and this function behind its internal routes.
struct Harness {
    app: TestApp,
    demo: TestTenant,
    db: Db,
    internal: Router,
}

/// A stored message.
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

impl Harness {
    async fn new() -> Self {
        let app = TestApp::new(&[("notifications", notifications::service)]).await;
        let demo = tenant_with_support(&app, "demo").await;
        let db = Db::connect_lazy(&app.database.login_url("notifications"), 5).unwrap();
        let service = notifications::service(db.clone(), app.state.clone());
        let internal = with_edge(&app, service.internal);
        Self {
            app,
            demo,
            db,
            internal,
        }
    }

    async fn tenant(&self, slug: &str) -> TestTenant {
        tenant_with_support(&self.app, slug).await
    }

    fn sender(&self, mailer: Arc<dyn Mailer>) -> notifications::Sender {
        notifications::Sender::new(self.db.clone(), self.app.state.clone(), mailer)
    }

    /// An event of the tenant with the current time.
    fn event(&self, r#type: &str, data: Value) -> Envelope {
        Envelope {
            id: EventId::at(self.app.clock.now()),
            source: "/test".to_owned(),
            r#type: format!("de.revalenz.{type}.v1"),
            subject: "things/1".to_owned(),
            time: self.app.clock.now(),
            tenant: self.demo.id,
            version: 1,
            request_id: None,
            traceparent: None,
            data,
            sealed: None,
        }
    }

    /// An event for a new ticket of the customer without an assignee.
    fn ticket_created(&self) -> Envelope {
        let author = json!({"kind": "user", "id": self.demo.customer.id});
        let data = json!({
            "ticket_id": self.demo.id, "number": "T-1001", "priority": "medium",
            "requester_id": self.demo.customer.id, "assigned_to": null, "author": author,
        });
        self.event("support.ticket.created", data)
    }

    /// An event with a one-time link, sealed as identity and tenancy do.
    fn link_requested(&self, r#type: &str, purpose: &str, user: UserId, token: &str) -> Envelope {
        let data = json!({"user_id": user, "one_time_token_id": user, "purpose": purpose});
        let context = self.demo.id.uuid();
        let keyring = self.app.state.keyring();
        let sealed = keyring.seal(Purpose::Notifications, context.as_bytes(), token.as_bytes());
        Envelope {
            sealed: Some(sealed.unwrap()),
            ..self.event(r#type, data)
        }
    }

    /// Pushes an event and returns the response.
    async fn push(&self, event: &Envelope) -> Response<Body> {
        push_to(&self.internal, &self.app, event).await
    }

    /// Pushes an event that must be accepted.
    async fn deliver(&self, event: &Envelope) {
        assert_eq!(self.push(event).await.status(), 204, "{event:?}");
    }

    async fn admin(&self) -> PgConnection {
        self.app.admin().await
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

    /// Number of queued messages of all tenants.
    async fn count_queued(&self) -> i64 {
        let query = "select count(*) from notifications.messages where status = 'queued'";
        sqlx::query_scalar(query)
            .fetch_one(&mut self.admin().await)
            .await
            .unwrap()
    }

    /// The only message.
    async fn message(&self) -> Message {
        let mut messages = self.messages().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// Executes SQL as an administrator.
    async fn execute(&self, sql: &'static str) {
        sqlx::query(sql)
            .execute(&mut self.admin().await)
            .await
            .unwrap();
    }
}

/// A tenant with the feature that emails about tickets require.
async fn tenant_with_support(app: &TestApp, slug: &str) -> TestTenant {
    let tenant = app.tenant(slug).await;
    sqlx::query("update access.tenants set features = '{\"support\": true}' where tenant_id = $1")
        .bind(tenant.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    tenant
}

fn with_edge(app: &TestApp, router: Router) -> Router {
    let edge = Edge {
        clock: app.clock.clone(),
        trusted_proxies: 0,
    };
    edge::wrap(router, edge)
}

async fn push_to(router: &Router, app: &TestApp, event: &Envelope) -> Response<Body> {
    let body = push::wrap(event, "notifications", 1).to_string();
    let request = Request::post(push::PATH)
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::AUTHORIZATION,
            app.state.internal_auth().header().unwrap(),
        )
        .body(Body::from(body))
        .unwrap();
    router.clone().oneshot(request).await.unwrap()
}
