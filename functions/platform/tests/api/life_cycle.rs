//! A tenant's life, from its founding to the last row, with every function, the relay between them, and the mails.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use access::Gate;
use axum::{Router, body::Body};
use db::Db;
use events::jobs::SCHEDULE_TIME;
use http::{Request, header};
use ids::TenantId;
use notifications::{MailError, Mailer, Sender, mail::Mail};
use platform::functions;
use relay::{InProcess, Relay, Routing};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use testkit::{Answer, Client, Stage};
use tower::ServiceExt;
use web::{
    Service,
    edge::{self, Edge},
};

use super::erasure::{ERASURES, STAYS};

const DAY: Duration = Duration::from_hours(24);

type Sending<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), MailError>> + Send + 'a>>;

/// A mailer that remembers the subjects.
#[derive(Debug, Default)]
struct Post(Mutex<Vec<String>>);

impl Mailer for Post {
    fn send<'a>(&'a self, mail: &'a Mail) -> Sending<'a> {
        self.0.lock().unwrap().push(mail.subject.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// All functions over one database, as the platform composes them.
struct World {
    stage: Stage,
    internal: Vec<(&'static str, Router)>,
    relay: Relay<InProcess>,
    sender: Sender,
    post: Arc<Post>,
}

fn function(name: &str) -> fn(Db, Gate) -> Service {
    functions::ALL
        .iter()
        .find(|function| function.name == name)
        .unwrap()
        .service
}

impl World {
    async fn new() -> Self {
        let names = ["identity", "tenancy", "support", "notifications", "relay"];
        let composed: Vec<testkit::Function> =
            names.iter().map(|name| (*name, function(name))).collect();
        let stage = Stage::of(&composed).await;
        let db = |name: &str| Db::lazy(&stage.database.login_url(name), 3).unwrap();
        let mut transport = InProcess::new(stage.gate.internal_auth(), stage.clock.clone());
        let mut internal = Vec::new();
        for (name, make) in &composed {
            let router = make(db(name), stage.gate.clone()).internal;
            transport = transport.function(*name, router.clone());
            let edge = Edge {
                clock: stage.clock.clone(),
                trusted_proxies: 0,
            };
            internal.push((*name, edge::wrap(router, edge)));
        }
        let subscriptions: Vec<_> = functions::ALL
            .iter()
            .flat_map(|function| (function.listens)())
            .collect();
        let relay = Relay::new(
            db("relay"),
            stage.clock.clone(),
            transport,
            Routing::of(&subscriptions),
        );
        let post = Arc::<Post>::default();
        let sender = Sender::new(db("notifications"), stage.gate.clone(), post.clone());
        Self {
            stage,
            internal,
            relay,
            sender,
            post,
        }
    }

    /// Everything that is announced arrives, and everything that is written is sent.
    async fn settle(&self) {
        self.relay.run_dry().await.unwrap();
        self.sender.run_once().await.unwrap();
    }

    /// The subjects of what was sent since somebody last looked.
    fn mails(&self) -> Vec<String> {
        let mut mails = std::mem::take(&mut *self.post.0.lock().unwrap());
        mails.sort();
        mails
    }

    async fn job(&self, function: &str, name: &str) -> Value {
        static TIMES: AtomicI64 = AtomicI64::new(0);
        let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
        let (_, router) = self
            .internal
            .iter()
            .find(|(other, _)| *other == function)
            .unwrap();
        let proof = self.stage.gate.internal_auth().header().unwrap();
        let request = Request::post(format!("/internal/jobs/{name}"))
            .header(header::AUTHORIZATION, proof)
            .header(SCHEDULE_TIME, (self.stage.clock.now() + later).to_rfc3339())
            .body(Body::empty())
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{function}/{name}");
        let body = http_body_util::BodyExt::collect(answer.into_body());
        serde_json::from_slice(&body.await.unwrap().to_bytes()).unwrap()
    }

    async fn login(&self, email: &str) -> Answer {
        let body = json!({"tenant": "demo", "email": email, "password": "correct horse battery"});
        self.stage.stranger().post("/api/v1/auth/login", body).await
    }

    /// How many rows of the tenant each table has that it should have none in.
    async fn left(&self, tenant: TenantId) -> Vec<(String, i64)> {
        let mut left = Vec::new();
        for table in ERASURES.iter().flat_map(|erasure| erasure.tables) {
            let sql = format!("select count(*) from {table} where tenant_id = $1");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(tenant)
                .fetch_one(&mut self.stage.admin().await)
                .await
                .unwrap();
            if rows > 0 {
                left.push(((*table).to_owned(), rows));
            }
        }
        left
    }
}

/// A change on each function; what became of them.
async fn writes(admin: &Client, tenant: TenantId, round: u32) -> Vec<(u16, String)> {
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
#[expect(clippy::too_many_lines, reason = "one life, told in its order")]
async fn every_function_acts_on_every_step_of_a_tenants_life() {
    let world = World::new().await;
    let stage = &world.stage;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    let staff = stage.superadmin().await;
    let step = async |step: &str| {
        sqlx::query(
            "update access.sessions set proved_at = $1, expires_at = $1 + interval '1 year'",
        )
        .bind(stage.clock.now())
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
        let path = format!("/api/v1/tenants/{}/{step}", demo.id);
        stage
            .as_(&staff)
            .post(&path, json!({"reason": "as agreed"}))
            .await
            .expect(200);
        world.settle().await;
    };
    // Two people with passwords, made as an admin makes them.
    for (email, role) in [
        ("maria@demo.example", "admin"),
        ("kai@demo.example", "customer"),
    ] {
        let body = json!({"email": email, "given_name": "Test", "family_name": "Test", "role": role, "password": "correct horse battery"});
        stage
            .as_(&demo.admin)
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
    let admin = || stage.as_(&demo.admin);
    assert_eq!(writes(&admin(), demo.id, 1).await, works);
    world.settle().await;
    world.mails();

    step("past-due").await;
    assert_eq!(writes(&admin(), demo.id, 2).await, works);
    let status = admin().get("/api/v1/auth/status").await.expect(200).json();
    assert_eq!(status["tenant"]["status"], "past_due", "and says so");
    let warned = ["Payment due for demo"; 2];
    let mails = world.mails();
    assert_eq!(
        mails
            .iter()
            .filter(|mail| mail.starts_with("Payment"))
            .count(),
        warned.len(),
        "{mails:?}"
    );

    step("suspend").await;
    assert_eq!(writes(&admin(), demo.id, 3).await, frozen);
    for path in ["/tickets", "/users", "/audit-log"] {
        admin().get(&format!("/api/v1{path}")).await.expect(200);
    }
    assert_eq!(world.mails(), ["demo is suspended"; 2]);
    let kai = world.login("kai@demo.example").await.expect(200).json();
    stage
        .stranger()
        .post("/api/v1/auth/register", json!({"tenant": "demo", "email": "new@demo.example", "password": "correct horse battery", "name": "New Person"}))
        .await
        .refused(403, "registration_closed");
    // Its certificates are nobody's business while it waits.
    sqlx::query("insert into identity.expertise (tenant_id, user_id, skill, level, certificate_name, certificate_valid_until) values ($1, $2, 'gas', 3, 'Gas', $3)")
        .bind(demo.id)
        .bind(demo.expert.id)
        .bind(stage.clock.now().date_naive())
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    assert_eq!(
        world.job("identity", "expiring-certificates").await["certificates"],
        0
    );

    step("reactivate").await;
    assert_eq!(writes(&admin(), demo.id, 4).await, works);
    assert_eq!(
        world.job("identity", "expiring-certificates").await["certificates"],
        1
    );
    world.settle().await;
    let mails = world.mails();
    assert!(
        mails.contains(&"demo is working again".to_owned()),
        "{mails:?}"
    );

    step("close").await;
    assert_eq!(writes(&admin(), demo.id, 5).await, frozen);
    assert_eq!(world.mails(), ["demo is being closed"; 2]);
    admin().get("/api/v1/tickets").await.expect(200);
    world.login("maria@demo.example").await.expect(200);
    world
        .login("kai@demo.example")
        .await
        .refused(403, "tenant_suspended");
    let refresh = json!({"refresh_token": kai["refresh_token"]});
    stage
        .stranger()
        .post("/api/v1/auth/refresh", refresh)
        .await
        .refused(403, "tenant_suspended");
    let maria = world.login("maria@demo.example").await.expect(200).json();
    assert_eq!(world.job("tenancy", "close-tenants").await["tenants"], 0);

    let before = testkit::walk::snapshot(&mut stage.admin().await, other.id).await;
    let key = stage.key(demo.id, &["support.ticket.read"]).await;
    stage.clock.advance(30 * DAY);
    assert_eq!(world.job("tenancy", "close-tenants").await["tenants"], 1);
    world.settle().await;
    admin()
        .get("/api/v1/tickets")
        .await
        .refused(401, "unauthenticated");
    key.get("/api/v1/tickets")
        .await
        .refused(401, "unauthenticated");
    world
        .login("maria@demo.example")
        .await
        .refused(401, "invalid_credentials");
    let refresh = json!({"refresh_token": maria["refresh_token"]});
    stage
        .stranger()
        .post("/api/v1/auth/refresh", refresh)
        .await
        .refused(401, "invalid_refresh_token");

    // Not at once: a process may still remember it.
    assert_eq!(
        world.job("support", "erase-closed-tenants").await["tenants"],
        0
    );
    stage.clock.advance(Duration::from_mins(3));
    let first = world.job("identity", "erase-closed-tenants").await;
    assert_eq!(
        (&first["tenants"], &first["waiting"]),
        (&json!(0), &json!(1)),
        "tickets still name people"
    );
    for function in ["support", "notifications", "tenancy", "identity"] {
        let done = world.job(function, "erase-closed-tenants").await;
        assert_eq!(done["tenants"], 1, "{function}: {done}");
        let again = world.job(function, "erase-closed-tenants").await;
        assert_eq!(
            again,
            json!({"tenants": 0, "waiting": 0, "rows": 0}),
            "{function}"
        );
    }
    assert_eq!(world.left(demo.id).await, []);
    let after = testkit::walk::snapshot(&mut stage.admin().await, other.id).await;
    assert_eq!(before, after, "a neighbour's rows changed");
    // What stays says nothing about people but their identifiers.
    for (table, _) in STAYS {
        let sql = format!(
            "select coalesce(string_agg(t::text, ' '), '') from {table} t where t.tenant_id = $1"
        );
        let text: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(demo.id)
            .fetch_one(&mut stage.admin().await)
            .await
            .unwrap();
        for secret in ["maria@", "kai@", "Leak", "Sink"] {
            assert!(!text.contains(secret), "{table} still says {secret}");
        }
    }
    let proofs: Vec<(String, bool)> = sqlx::query_as(
        "select function, erased_at is not null from events.erasures where tenant_id = $1 order by function",
    )
    .bind(demo.id)
    .fetch_all(&mut stage.admin().await)
    .await
    .unwrap();
    let done = |name: &str| (name.to_owned(), true);
    assert_eq!(
        proofs,
        ["identity", "notifications", "support", "tenancy"].map(done)
    );
}
