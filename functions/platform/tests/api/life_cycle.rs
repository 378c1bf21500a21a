//! A tenant's life cycle, from its creation to the erasure of the last row, with all functions, the relay and mails.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use db::{Db, tables::Closure};
use events::jobs::SCHEDULE_TIME;
use http::{Request, header};
use ids::TenantId;
use notifications::{MailError, Mailer, Sender, mail::Mail};
use platform::functions;
use relay::{InProcess, OutboxDispatcher, Routing};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use testkit::{Client, TestApp, TestResponse};
use tower::ServiceExt;
use web::edge::{self, Edge};

use super::erasure::erasures;

const DAY: Duration = Duration::from_hours(24);

type Sending<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// A mailer that records subjects.
#[derive(Debug, Default)]
struct RecordingMailer(Mutex<Vec<String>>);

impl Mailer for RecordingMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a> {
        self.0.lock().unwrap().push(mail.subject.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// All functions over one database, as the platform composes them.
struct Platform {
    app: TestApp,
    internal: Vec<(&'static str, Router)>,
    dispatcher: OutboxDispatcher<InProcess>,
    sender: Sender,
    mailer: Arc<RecordingMailer>,
}

impl Platform {
    async fn new() -> Self {
        let names = ["identity", "tenancy", "support", "notifications", "relay"];
        let contexts = functions::ALL.iter().copied();
        let contexts: Vec<_> = contexts.filter(|one| names.contains(&one.name)).collect();
        let app = TestApp::of(&contexts).await;
        let db = |name: &str| Db::connect_lazy(&app.database.login_url(name), 3).unwrap();
        let mut transport = InProcess::new(app.state.internal_auth(), app.clock.clone());
        let mut internal = Vec::new();
        for (name, router) in app.internal() {
            transport = transport.with_function(name, router.clone());
            let edge = Edge {
                clock: app.clock.clone(),
                trusted_proxies: 0,
            };
            internal.push((name, edge::wrap(router, edge)));
        }
        let subscriptions: Vec<_> = functions::ALL
            .iter()
            .flat_map(|function| (function.subscriptions)())
            .collect();
        let dispatcher = OutboxDispatcher::new(
            db("relay"),
            app.clock.clone(),
            transport,
            Routing::from_subscriptions(&subscriptions),
        );
        let mailer = Arc::<RecordingMailer>::default();
        let sender = Sender::new(db("notifications"), app.state.clone(), mailer.clone());
        Self {
            app,
            internal,
            dispatcher,
            sender,
            mailer,
        }
    }

    /// Delivers all events and sends all mails.
    async fn settle(&self) {
        self.dispatcher.run_until_idle().await.unwrap();
        self.sender.run_once().await.unwrap();
    }

    /// Returns the subjects of mails since the last call.
    fn mails(&self) -> Vec<String> {
        let mut mails = std::mem::take(&mut *self.mailer.0.lock().unwrap());
        mails.sort();
        mails
    }

    async fn job(&self, function: &str, name: &str) -> Value {
        static RUNS: AtomicI64 = AtomicI64::new(0);
        let later = chrono::TimeDelta::milliseconds(RUNS.fetch_add(1, Ordering::Relaxed));
        let (_, router) = self
            .internal
            .iter()
            .find(|(other, _)| *other == function)
            .unwrap();
        let proof = self.app.state.internal_auth().header().unwrap();
        let request = Request::post(format!("/internal/jobs/{name}"))
            .header(header::AUTHORIZATION, proof)
            .header(SCHEDULE_TIME, (self.app.clock.now() + later).to_rfc3339())
            .body(Body::empty())
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{function}/{name}");
        let body = http_body_util::BodyExt::collect(answer.into_body());
        serde_json::from_slice(&body.await.unwrap().to_bytes()).unwrap()
    }

    async fn login(&self, email: &str) -> TestResponse {
        let body = json!({"tenant": "demo", "email": email, "password": "correct horse battery"});
        self.app.anonymous().post("/api/v1/auth/login", body).await
    }

    /// Counts rows of the tenant in tables that should have none.
    async fn remaining_rows(&self, tenant: TenantId) -> Vec<(String, i64)> {
        let mut remaining = Vec::new();
        for table in erasures().flat_map(|erasure| erasure.table_names().collect::<Vec<_>>()) {
            let sql = format!("select count(*) from {table} where tenant_id = $1");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(tenant)
                .fetch_one(&mut self.app.admin().await)
                .await
                .unwrap();
            if rows > 0 {
                remaining.push((table.to_owned(), rows));
            }
        }
        remaining
    }
}

/// Sends a change to each function; returns statuses and problem codes.
async fn try_writes(admin: &Client, tenant: TenantId, round: u32) -> Vec<(u16, String)> {
    let answers = [
        admin
            .post("/api/v1/tickets", json!({"title": "Leak", "description": "Sink"}))
            .await,
        admin
            .post("/api/v1/roles", json!({"name": format!("Night shift {round}"), "base_role": "expert", "permissions": {}}))
            .await,
        admin
            .patch(&format!("/api/v1/tenants/{tenant}/settings"), json!({"magic_link": true}))
            .await,
    ];
    answers
        .iter()
        .map(|answer| {
            let code = if answer.status.is_success() {
                Value::Null
            } else {
                answer.json()["code"].clone()
            };
            (
                answer.status.as_u16(),
                code.as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one life cycle, in order")]
async fn every_function_follows_the_life_cycle_of_a_tenant() {
    let platform = Platform::new().await;
    let app = &platform.app;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let staff = app.superadmin().await;
    let step = async |step: &str| {
        sqlx::query(
            "update access.sessions set proved_at = $1, expires_at = $1 + interval '1 year'",
        )
        .bind(app.clock.now())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
        let path = format!("/api/v1/tenants/{}/{step}", demo.id);
        app.as_user(&staff)
            .post(&path, json!({"reason": "as agreed"}))
            .await
            .expect(200);
        platform.settle().await;
    };
    // Two users with passwords, created by an admin.
    for (email, role) in [
        ("maria@demo.example", "admin"),
        ("kai@demo.example", "customer"),
    ] {
        let body = json!({"email": email, "given_name": "Test", "family_name": "Test", "role": role, "password": "correct horse battery"});
        app.as_user(&demo.admin)
            .post("/api/v1/users", body)
            .await
            .expect(201);
    }
    let works = vec![
        (201, String::new()),
        (201, String::new()),
        (200, String::new()),
    ];
    let frozen = vec![(403, "tenant_suspended".to_owned()); 3];
    let admin = || app.as_user(&demo.admin);
    assert_eq!(try_writes(&admin(), demo.id, 1).await, works);
    platform.settle().await;
    platform.mails();

    step("past-due").await;
    assert_eq!(try_writes(&admin(), demo.id, 2).await, works);
    let status = admin().get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["tenant"]["status"], "past_due", "and says so");
    let warned = ["Payment past due for demo"; 2];
    let mails = platform.mails();
    assert_eq!(
        mails
            .iter()
            .filter(|mail| mail.starts_with("Payment"))
            .count(),
        warned.len(),
        "{mails:?}"
    );

    step("suspend").await;
    assert_eq!(try_writes(&admin(), demo.id, 3).await, frozen);
    for path in ["/tickets", "/users", "/audit-log"] {
        admin().get(&format!("/api/v1{path}")).await.expect(200);
    }
    assert_eq!(platform.mails(), ["demo is suspended"; 2]);
    let kai = platform.login("kai@demo.example").await.expect(200).json();
    app
        .anonymous()
        .post("/api/v1/auth/register", json!({"tenant": "demo", "email": "new@demo.example", "password": "correct horse battery", "name": "New Person"}))
        .await
        .expect_problem(403, "registration_closed");
    // No reminders about certificates while the tenant is suspended.
    sqlx::query("insert into identity.expertise (tenant_id, user_id, skill, level, certificate_name, certificate_valid_until) values ($1, $2, 'gas', 3, 'Gas', $3)")
        .bind(demo.id)
        .bind(demo.expert.id)
        .bind(app.clock.now().date_naive())
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(
        platform.job("identity", "expiring-certificates").await["certificates"],
        0
    );

    step("reactivate").await;
    assert_eq!(try_writes(&admin(), demo.id, 4).await, works);
    assert_eq!(
        platform.job("identity", "expiring-certificates").await["certificates"],
        1
    );
    platform.settle().await;
    let mails = platform.mails();
    assert!(
        mails.contains(&"demo is active again".to_owned()),
        "{mails:?}"
    );

    step("close").await;
    assert_eq!(try_writes(&admin(), demo.id, 5).await, frozen);
    assert_eq!(platform.mails(), ["demo is being closed"; 2]);
    admin().get("/api/v1/tickets").await.expect(200);
    platform.login("maria@demo.example").await.expect(200);
    platform
        .login("kai@demo.example")
        .await
        .expect_problem(403, "tenant_suspended");
    let refresh = json!({"refresh_token": kai["refresh_token"]});
    app.anonymous()
        .post("/api/v1/auth/refresh", refresh)
        .await
        .expect_problem(403, "tenant_suspended");
    let maria = platform
        .login("maria@demo.example")
        .await
        .expect(200)
        .json();
    assert_eq!(platform.job("tenancy", "close-tenants").await["tenants"], 0);

    let before = testkit::isolation::snapshot(&mut app.admin().await, other.id).await;
    let key = app.key(demo.id, &["support.ticket.read"]).await;
    app.clock.advance(30 * DAY);
    assert_eq!(platform.job("tenancy", "close-tenants").await["tenants"], 1);
    platform.settle().await;
    admin()
        .get("/api/v1/tickets")
        .await
        .expect_problem(401, "unauthenticated");
    key.get("/api/v1/tickets")
        .await
        .expect_problem(401, "unauthenticated");
    platform
        .login("maria@demo.example")
        .await
        .expect_problem(401, "invalid_credentials");
    let refresh = json!({"refresh_token": maria["refresh_token"]});
    app.anonymous()
        .post("/api/v1/auth/refresh", refresh)
        .await
        .expect_problem(401, "invalid_refresh_token");

    // Not immediately: a process may still have it cached.
    assert_eq!(
        platform.job("support", "erase-closed-tenants").await["tenants"],
        0
    );
    app.clock.advance(Duration::from_mins(3));
    let first = platform.job("identity", "erase-closed-tenants").await;
    assert_eq!(
        (&first["tenants"], &first["waiting"]),
        (&json!(0), &json!(1)),
        "tickets still name people"
    );
    for function in ["support", "notifications", "tenancy", "identity"] {
        let done = platform.job(function, "erase-closed-tenants").await;
        assert_eq!(done["tenants"], 1, "{function}: {done}");
        let again = platform.job(function, "erase-closed-tenants").await;
        assert_eq!(
            again,
            json!({"tenants": 0, "waiting": 0, "rows": 0}),
            "{function}"
        );
    }
    assert_eq!(platform.remaining_rows(demo.id).await, []);
    let after = testkit::isolation::snapshot(&mut app.admin().await, other.id).await;
    assert_eq!(before, after, "rows of another tenant changed");
    // The remaining rows contain no personal data except identifiers.
    let kept =
        platform::generators::tables().filter(|table| matches!(table.closure, Closure::Kept(_)));
    for table in kept {
        let table = table.name;
        let sql = format!(
            "select coalesce(string_agg(t::text, ' '), '') from {table} t where t.tenant_id = $1"
        );
        let text: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(demo.id)
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap();
        for secret in ["maria@", "kai@", "Leak", "Sink"] {
            assert!(!text.contains(secret), "{table} still contains {secret}");
        }
    }
    let proofs: Vec<(String, bool)> = sqlx::query_as(
        "select function, erased_at is not null from events.erasures where tenant_id = $1 order by function",
    )
    .bind(demo.id)
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    let done = |name: &str| (name.to_owned(), true);
    assert_eq!(
        proofs,
        ["identity", "notifications", "support", "tenancy"].map(done)
    );
}
