//! A handler that forgets its commit or its audit entry cannot answer with success.

use access::{AppState, Caller, audit};
use axum::{
    Router,
    extract::{FromRef, State},
    routing::post,
};
use db::Db;
use events::{Backend, Event, UnitOfWork};
use ids::TicketId;
use serde_json::{Value, json};
use sqlx::Row;
use testkit::TestApp;
use uuid::Uuid;
use web::{Service, problem::Result};

use permissions::{AuditedChange, Change};

mod permissions {
    access::permissions! {
        feature None;
        /// Reads in another context, here used to change a shelf.
        Change = "support.ticket.read";
        /// The same, recorded in the audit log.
        AuditedChange = "support.ticket.update", audited;
    }
}

events::events! {
    context "support";
    /// A shelf was filled.
    ShelfFilled = "shelf.filled.v1", subject ticket_id {
        /// What was put there.
        ticket_id: TicketId = TicketId::from_uuid(Uuid::from_u128(7)),
        /// How many.
        count: i64 = 3,
    }
}

#[derive(Clone)]
struct Shelf {
    db: Db,
    state: AppState,
}

impl FromRef<Shelf> for AppState {
    fn from_ref(shelf: &Shelf) -> Self {
        shelf.state.clone()
    }
}

impl Backend for Shelf {
    fn db(&self) -> &Db {
        &self.db
    }

    fn state(&self) -> &AppState {
        &self.state
    }
}

fn shelf(db: Db, state: AppState) -> Service {
    let api = Router::new()
        .route("/shelf/complete", post(complete))
        .route("/shelf/forgets-commit", post(forgets_commit))
        .route("/shelf/dry-run", post(dry_run))
        .route("/shelf/forgets-audit", post(forgets_audit))
        .route("/shelf/unchanged", post(unchanged))
        .with_state(Shelf { db, state });
    Service {
        name: "shelf",
        about: "for tests",
        api,
        root: Router::new(),
        internal: Router::new(),
        document: utoipa::openapi::OpenApi::default(),
    }
}

async fn fill(unit: &mut UnitOfWork) -> Result<()> {
    unit.publish(4, ShelfFilled::example()).await?;
    Ok(())
}

async fn complete(State(app): State<Shelf>, caller: Caller<AuditedChange>) -> Result<()> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    fill(&mut unit).await?;
    let entry = audit::Entry::new("support.shelf.filled", "shelf", 1).change("count", 0, 3);
    unit.audit(entry).await?;
    unit.commit().await
}

async fn forgets_commit(State(app): State<Shelf>, caller: Caller<Change>) -> Result<()> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    fill(&mut unit).await
}

async fn dry_run(State(app): State<Shelf>, caller: Caller<Change>) -> Result<()> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    fill(&mut unit).await?;
    unit.rollback();
    Ok(())
}

async fn forgets_audit(State(app): State<Shelf>, caller: Caller<AuditedChange>) -> Result<()> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    fill(&mut unit).await?;
    unit.commit().await
}

async fn unchanged(State(app): State<Shelf>, caller: Caller<AuditedChange>) -> Result<()> {
    UnitOfWork::begin(&app, &caller)
        .await?
        .commit_unchanged()
        .await
}

#[tokio::test]
async fn a_success_without_commit_or_without_a_required_audit_entry_is_a_500() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    for (path, status) in [
        ("/api/v1/shelf/forgets-commit", 500),
        ("/api/v1/shelf/forgets-audit", 500),
        ("/api/v1/shelf/dry-run", 200),
        ("/api/v1/shelf/unchanged", 200),
    ] {
        admin.post(path, json!({})).await.expect(status);
        assert_eq!(outbox(&app).await, Vec::<Value>::new(), "{path}");
    }
}

#[tokio::test]
async fn a_unit_commits_event_and_audit_entry_together() {
    let app = TestApp::new(&[("support", shelf)]).await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = "/api/v1/shelf/complete";
    admin.post(path, json!({})).await.expect(200);
    let ticket = "00000000-0000-0000-0000-000000000007";
    assert_eq!(
        outbox(&app).await,
        [json!({
            "type": "de.revalenz.support.shelf.filled.v1", "subject": format!("ticket/{ticket}"), "version": 4,
            "data": {"ticket_id": ticket, "count": 3},
        })]
    );
    let changes: Value =
        sqlx::query("select changes from access.audit_log where action = 'support.shelf.filled'")
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap()
            .get(0);
    assert_eq!(changes, json!({"count": {"old": 0, "new": 3}}));
}

/// What was published.
async fn outbox(app: &TestApp) -> Vec<Value> {
    sqlx::query(
        "select jsonb_build_object('type', type, 'subject', subject, 'version', aggregate_version, 'data', data)
        from events.outbox where type like '%.shelf.%'",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap()
    .iter()
    .map(|row| row.get(0))
    .collect()
}
