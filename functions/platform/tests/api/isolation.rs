//! Tenant isolation: no data of another tenant is visible with both locks or with either alone. With both disabled, the probe
//! detects the leak.

use db::LockProbe;
use events::Environment;
use identity::ids::OauthIdentityId;
use relay::ids::DeadLetterId;
use serde_json::{Value, json};
use testkit::{
    Client, TestApp, TestTenant,
    isolation::{IsolationProbe, Report, TenantFixture, snapshot},
};

use crate::attachments::form;

/// Operations that end the attacker's own session or tenant, or take no credential. Never add to this list without need.
const SKIP: &[&str] = &[
    "POST /api/v1/tenants/{id}/close",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/invite/accept",
    "POST /api/v1/auth/email/verify",
    "POST /api/v1/auth/email/verify/resend",
    "POST /api/v1/auth/email/change/confirm",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/magic-link",
    "POST /api/v1/auth/magic-link/redeem",
    "GET /api/v1/auth/oauth/{provider}",
    "GET /api/v1/auth/oauth/{provider}/callback",
    "POST /api/v1/auth/oauth/{provider}/callback",
    "POST /api/v1/auth/oauth/{provider}/link",
    "POST /api/v1/auth/oauth/token",
];

pub(crate) async fn create_app() -> (TestApp, TestTenant, TestTenant) {
    // A DNS server that does not exist, so that no request leaves the machine.
    let environment = Environment::of([("REVALENZ_DNS_SERVER", "127.0.0.1:1")]);
    let app = TestApp::with_environment(platform::functions::ALL, &environment).await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    (app, demo, other)
}

/// Creates rows of every kind in a tenant, each with a unique text.
pub(crate) async fn seed_tenant(app: &TestApp, tenant: &TestTenant) -> TenantFixture {
    let secret = format!("secretof{}", tenant.slug);
    let mut all = TenantFixture {
        secrets: vec![secret.clone()],
        ..TenantFixture::default()
    };
    let (admin, customer, expert) = (
        app.as_user(&tenant.admin),
        app.as_user(&tenant.customer),
        app.as_user(&tenant.expert),
    );
    let body = json!({"title": secret, "description": secret});
    let ticket = customer
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .id();
    customer.post("/api/v1/tickets", body).await.expect(201);
    let comments = format!("/api/v1/tickets/{ticket}/comments");
    let mut comment_ids = Vec::new();
    for visibility in ["public", "internal"] {
        let body = json!({"content": secret, "visibility": visibility});
        comment_ids.push(expert.post(&comments, body).await.expect(201).id());
    }
    let key = json!({"name": secret, "scopes": ["support.ticket.read"]});
    let key = admin.post("/api/v1/api-keys", key).await.expect(201).id();
    let domain = json!({"host": format!("{secret}.example")});
    let domains = format!("/api/v1/tenants/{}/domains", tenant.id);
    let domain = admin.post(&domains, domain).await.expect(201).id();
    let role = json!({"name": secret, "base_role": "expert", "permissions": {}});
    let role = admin.post("/api/v1/roles", role).await.expect(201).id();
    let rate = json!({"rate": {"amount": "85", "currency": "EUR"}, "valid_from": "2026-01-01"});
    let rates = format!("/api/v1/users/{}/rates", tenant.expert.id);
    admin
        .put(&rates, json!({"items": [rate]}))
        .await
        .expect(200);
    let skill = json!({"items": [{"skill": secret, "level": 3}]});
    admin
        .put(
            &format!("/api/v1/users/{}/expertise", tenant.expert.id),
            skill,
        )
        .await
        .expect(200);
    let (files, upload) = seed_files(&customer, tenant, &secret).await;
    let lists = [
        "/tickets",
        "/files",
        "/users",
        "/audit-log",
        &format!("/users/{}/activity", tenant.expert.id),
        &format!("/tickets/{ticket}/comments"),
        &format!("/tickets/{ticket}/history"),
    ];
    all.cursors = cursors(&admin, &lists).await;
    assert!(!all.cursors.is_empty());
    all.ids.insert(
        "dead-letters".to_owned(),
        vec![insert_dead_letter(app, tenant, &secret).await],
    );
    all.ids.insert(
        "passkeys".to_owned(),
        vec![insert_passkey(app, tenant, &secret).await],
    );
    all.ids.insert(
        "identities".to_owned(),
        vec![insert_identity(app, tenant, &secret).await],
    );
    all.ids.insert("files".to_owned(), files.clone());
    all.ids.insert("downloads".to_owned(), files);
    all.ids.insert("uploads".to_owned(), vec![upload]);
    all.ids
        .insert("avatars".to_owned(), vec![tenant.customer.id.to_string()]);
    all.ids.insert("tickets".to_owned(), vec![ticket]);
    all.ids.insert("comments".to_owned(), comment_ids);
    all.ids.insert(
        "users".to_owned(),
        vec![tenant.customer.id.to_string(), tenant.expert.id.to_string()],
    );
    all.ids.insert("roles".to_owned(), vec![role]);
    all.ids.insert(
        "sessions".to_owned(),
        vec![
            tenant.customer.session.to_string(),
            tenant.expert.session.to_string(),
        ],
    );
    all.ids
        .insert("tenants".to_owned(), vec![tenant.id.to_string()]);
    all.ids.insert("api-keys".to_owned(), vec![key]);
    all.ids.insert("domains".to_owned(), vec![domain]);
    let document = serde_json::to_value(app.document()).unwrap();
    testkit::isolation::fill(&document, &admin, &mut all, SKIP).await;
    all
}

/// The cursors of these lists.
async fn cursors(admin: &Client, lists: &[&str]) -> Vec<String> {
    let mut cursors = Vec::new();
    for list in lists {
        let page = admin.get(&format!("/api/v1{list}?limit=1")).await;
        let cursor = page.expect(200).json()["next_cursor"].clone();
        cursors.extend(cursor.as_str().map(str::to_owned));
    }
    cursors
}

/// Creates files of the tenant's customer, and an unfinished upload.
async fn seed_files(customer: &Client, tenant: &TestTenant, secret: &str) -> (Vec<String>, String) {
    let query = format!("?name={secret}&resource=user:{}", tenant.customer.id);
    let mut files = Vec::new();
    for _ in 0..2 {
        let file = form(customer, &query, secret, secret.as_bytes());
        files.push(file.send().await.expect(201).id());
    }
    let upload = json!({"name": secret, "size": 5});
    let upload = customer.post("/api/v1/uploads", upload).await;
    (files, upload.expect(201).id())
}

/// Inserts a passkey directly, because there is no authenticator.
async fn insert_passkey(app: &TestApp, tenant: &TestTenant, secret: &str) -> String {
    sqlx::query_scalar(
        "insert into identity.passkeys (
            tenant_id, passkey_id, user_id, rp_id, credential_id, public_key, sign_count, name, created_at
        )
        values ($1, gen_random_uuid(), $2, $3, '', '', 0, $3, now())
        returning passkey_id::text",
    )
    .bind(tenant.id)
    .bind(tenant.customer.id)
    .bind(secret)
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap()
}

/// Inserts an external identity directly, because there is no identity provider.
async fn insert_identity(app: &TestApp, tenant: &TestTenant, secret: &str) -> String {
    let id = OauthIdentityId::at(app.clock.now());
    sqlx::query(
        "insert into identity.oauth_identities (tenant_id, oauth_identity_id, user_id, provider, issuer, subject, email, created_at)
        values ($1, $2, $3, 'google', 'https://issuer.example', $4, $4 || '@example.org', $5)",
    )
    .bind(tenant.id)
    .bind(id)
    .bind(tenant.customer.id)
    .bind(secret)
    .bind(app.clock.now())
    .execute(&mut app.admin().await)
    .await
    .unwrap();
    id.to_string()
}

/// Inserts a dead letter, which only operators of the platform may see.
async fn insert_dead_letter(app: &TestApp, tenant: &TestTenant, secret: &str) -> String {
    let id = DeadLetterId::at(app.clock.now());
    sqlx::query(
        "insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
        values ($1, $2, 'notifications', $2, $3, $4, 12, $5)",
    )
    .bind(tenant.id)
    .bind(id)
    .bind(json!({"subject": secret}))
    .bind(secret)
    .bind(app.clock.now())
    .execute(&mut app.admin().await)
    .await
    .unwrap();
    id.to_string()
}

async fn attackers(
    app: &TestApp,
    tenant: &TestTenant,
    prepare: impl Fn(Client) -> Client,
) -> Vec<(String, Client)> {
    let mut all = Vec::new();
    for (name, person) in tenant.people() {
        if !name.ends_with('2') {
            all.push((name.to_owned(), prepare(app.as_user(person))));
        }
    }
    let scopes: Vec<String> = sqlx::query_scalar(
        "select permission from access.builtin_grants where base_role = 'admin'",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    all.push(("key".to_owned(), prepare(app.key(tenant.id, &scopes).await)));
    all
}

async fn run_probe(
    app: &TestApp,
    demo: &TestTenant,
    victim: &TenantFixture,
    own: &TenantFixture,
    probe: Option<LockProbe>,
) -> Report {
    let document: Value = serde_json::to_value(app.document()).unwrap();
    let isolation = IsolationProbe {
        document: &document,
        skip: SKIP,
        victim,
        attacker: own,
    };
    let mut report = Report::default();
    for (name, client) in attackers(app, demo, |client| app.with_locks(client, probe)).await {
        isolation.run(&name, &client, &mut report).await;
    }
    report
}

/// Runs the probe with these locks, and asserts that the victim's rows are unchanged.
async fn assert_isolated(
    locks: &str,
    probe: impl Fn(&TestTenant, &TestTenant) -> Option<LockProbe>,
) {
    let (app, demo, other) = create_app().await;
    let (own, victim) = (
        seed_tenant(&app, &demo).await,
        seed_tenant(&app, &other).await,
    );
    let before = snapshot(&mut app.admin().await, other.id).await;
    let report = run_probe(&app, &demo, &victim, &own, probe(&demo, &other)).await;
    let after = snapshot(&mut app.admin().await, other.id).await;
    println!(
        "{locks}: {} calls, {} operations, {:?}",
        report.calls,
        report.operations.len(),
        report.statuses
    );
    assert!(
        report.findings.is_empty(),
        "{} findings, the first:\n{}",
        report.findings.len(),
        report.findings[..report.findings.len().min(10)].join("\n")
    );
    assert!(report.calls > 1_000, "the probe made too few calls");
    assert_eq!(before, after, "the victim's rows changed");
}

#[tokio::test]
async fn other_tenants_are_isolated_by_both_locks() {
    assert_isolated("both locks", |_, _| None).await;
}

#[tokio::test]
async fn other_tenants_are_isolated_by_row_level_security_alone() {
    // The statements ask for the victim's rows; the policies know the attacker.
    assert_isolated("row-level security alone", |demo, other| {
        Some(LockProbe {
            attacker: demo.id,
            bound: other.id,
            setting: demo.id,
        })
    })
    .await;
}

#[tokio::test]
async fn other_tenants_are_isolated_by_statements_alone() {
    // The policies would show the victim's rows; the statements ask for the attacker's.
    assert_isolated("statements alone", |demo, other| {
        Some(LockProbe {
            attacker: demo.id,
            bound: demo.id,
            setting: other.id,
        })
    })
    .await;
}

#[tokio::test]
async fn with_both_locks_disabled_the_probe_detects_the_leak() {
    let (app, demo, other) = create_app().await;
    let (own, victim) = (
        seed_tenant(&app, &demo).await,
        seed_tenant(&app, &other).await,
    );
    let before = snapshot(&mut app.admin().await, other.id).await;
    let probe = LockProbe {
        attacker: demo.id,
        bound: other.id,
        setting: other.id,
    };
    let report = run_probe(&app, &demo, &victim, &own, Some(probe)).await;
    let seen = |what: &str| {
        report
            .findings
            .iter()
            .filter(|finding| finding.contains(what))
            .count()
    };
    let (texts, distinguished) = (seen("reveals the text"), seen("differ"));
    println!(
        "both locks disabled: {} calls, {texts} saw texts, {distinguished} distinguished foreign from missing",
        report.calls
    );
    // The attack also deletes, so many later calls find nothing.
    assert!(
        texts >= 10 && distinguished >= 10,
        "{texts} and {distinguished}"
    );
    let after = snapshot(&mut app.admin().await, other.id).await;
    assert_ne!(before, after, "the victim's rows are unchanged");
}
