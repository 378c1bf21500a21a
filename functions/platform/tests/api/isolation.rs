//! Another tenant's rows stay unseen: with both locks, with either alone, and the walk notices when both are open.

use std::sync::Arc;

use access::Gate;
use blob::{Folder, Store};
use db::{Db, Probe};
use files::Scanner;
use ids::{DeadLetterId, OauthIdentityId};
use serde_json::{Value, json};
use testkit::{
    Client, Stage, TestTenant,
    walk::{Belongings, Report, Walk, snapshot},
};
use web::Service;

use crate::attachments::form;

/// Operations that end the attacker's own session or tenant, or take no credential: there is nobody to attack as.
/// This list only shrinks.
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

/// Nobody outside is asked whose a domain is.
fn tenancy_without_dns(db: Db, gate: Gate) -> Service {
    tenancy::service_with(
        db,
        gate,
        tenancy::Proofs::new(Some(([127, 0, 0, 1], 1).into())),
    )
}

async fn stage() -> (Stage, TestTenant, TestTenant) {
    let stage = Stage::made_of(vec![
        ("identity", Arc::new(identity::service)),
        ("tenancy", Arc::new(tenancy_without_dns)),
        ("support", Arc::new(support::service)),
        ("files", Arc::new(files_in_a_folder_of_its_own())),
        ("relay", Arc::new(relay::service)),
    ])
    .await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    (stage, demo, other)
}

/// Files whose bytes are removed with the process's other temporary files.
fn files_in_a_folder_of_its_own() -> impl Fn(Db, Gate) -> Service {
    let folder = crate::attachments::folder();
    move |db, gate| {
        let store = Store::Folder(Folder::new(&folder));
        files::service_with(db, gate, store, Scanner::Trusting)
    }
}

/// Fills a tenant with rows of every kind, each carrying a text that stands nowhere else.
async fn furnish(stage: &Stage, tenant: &TestTenant) -> Belongings {
    let secret = format!("secretof{}", tenant.slug);
    let mut all = Belongings {
        secrets: vec![secret.clone()],
        ..Belongings::default()
    };
    let (admin, customer, expert) = (
        stage.as_(&tenant.admin),
        stage.as_(&tenant.customer),
        stage.as_(&tenant.expert),
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
    let (files, upload) = furnish_files(&customer, tenant, &secret).await;
    for list in [
        "/tickets",
        "/files",
        "/users",
        "/audit-log",
        &format!("/users/{}/activity", tenant.expert.id),
        &format!("/tickets/{ticket}/comments"),
        &format!("/tickets/{ticket}/history"),
    ] {
        let page = admin
            .get(&format!("/api/v1{list}?limit=1"))
            .await
            .expect(200)
            .json();
        if let Some(cursor) = page["next_cursor"].as_str() {
            all.cursors.push(cursor.to_owned());
        }
    }
    assert!(!all.cursors.is_empty());
    all.ids
        .insert("dead-letters", vec![park(stage, tenant, &secret).await]);
    all.ids
        .insert("passkeys", vec![passkey(stage, tenant, &secret).await]);
    all.ids
        .insert("identities", vec![link(stage, tenant, &secret).await]);
    all.ids.insert("files", files.clone());
    all.ids.insert("downloads", files);
    all.ids.insert("uploads", vec![upload]);
    all.ids
        .insert("avatars", vec![tenant.customer.id.to_string()]);
    all.ids.insert("tickets", vec![ticket]);
    all.ids.insert("comments", comment_ids);
    all.ids.insert(
        "users",
        vec![tenant.customer.id.to_string(), tenant.expert.id.to_string()],
    );
    all.ids.insert("roles", vec![role]);
    all.ids.insert(
        "sessions",
        vec![
            tenant.customer.session.to_string(),
            tenant.expert.session.to_string(),
        ],
    );
    all.ids.insert("tenants", vec![tenant.id.to_string()]);
    all.ids.insert("api-keys", vec![key]);
    all.ids.insert("domains", vec![domain]);
    all
}

/// Files of a tenant's customer, and an upload that was begun.
async fn furnish_files(
    customer: &Client,
    tenant: &TestTenant,
    secret: &str,
) -> (Vec<String>, String) {
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

/// Without an authenticator: a row as registering one would leave it.
async fn passkey(stage: &Stage, tenant: &TestTenant, secret: &str) -> String {
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
    .fetch_one(&mut stage.admin().await)
    .await
    .unwrap()
}

/// Without another issuer: a row as its word would leave it.
async fn link(stage: &Stage, tenant: &TestTenant, secret: &str) -> String {
    let id = OauthIdentityId::at(stage.clock.now());
    sqlx::query(
        "insert into identity.oauth_identities (tenant_id, oauth_identity_id, user_id, provider, issuer, subject, email, created_at)
        values ($1, $2, $3, 'google', 'https://issuer.example', $4, $4 || '@example.org', $5)",
    )
    .bind(tenant.id)
    .bind(id)
    .bind(tenant.customer.id)
    .bind(secret)
    .bind(stage.clock.now())
    .execute(&mut stage.admin().await)
    .await
    .unwrap();
    id.to_string()
}

/// Something that a function would not take: only the platform's operators may know of it.
async fn park(stage: &Stage, tenant: &TestTenant, secret: &str) -> String {
    let id = DeadLetterId::at(stage.clock.now());
    sqlx::query(
        "insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
        values ($1, $2, 'notifications', $2, $3, $4, 12, $5)",
    )
    .bind(tenant.id)
    .bind(id)
    .bind(json!({"subject": secret}))
    .bind(secret)
    .bind(stage.clock.now())
    .execute(&mut stage.admin().await)
    .await
    .unwrap();
    id.to_string()
}

async fn attackers(
    stage: &Stage,
    tenant: &TestTenant,
    as_: impl Fn(Client) -> Client,
) -> Vec<(String, Client)> {
    let mut all = Vec::new();
    for (name, person) in tenant.people() {
        if !name.ends_with('2') {
            all.push((name.to_owned(), as_(stage.as_(person))));
        }
    }
    let scopes: Vec<String> = sqlx::query_scalar(
        "select permission from access.builtin_grants where base_role = 'admin'",
    )
    .fetch_all(&mut stage.admin().await)
    .await
    .unwrap();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    all.push(("key".to_owned(), as_(stage.key(tenant.id, &scopes).await)));
    all
}

async fn walk(
    stage: &Stage,
    demo: &TestTenant,
    victim: &Belongings,
    own: &Belongings,
    probe: Option<Probe>,
) -> Report {
    let document: Value = serde_json::to_value(stage.document()).unwrap();
    let walk = Walk {
        document: &document,
        skip: SKIP,
        victim,
        attacker: own,
    };
    let mut report = Report::default();
    for (name, client) in attackers(stage, demo, |client| stage.bend(client, probe)).await {
        walk.run(&name, &client, &mut report).await;
    }
    report
}

/// The walk with these locks; the victim's rows are the same afterwards.
async fn holds(locks: &str, probe: impl Fn(&TestTenant, &TestTenant) -> Option<Probe>) {
    let (stage, demo, other) = stage().await;
    let (own, victim) = (furnish(&stage, &demo).await, furnish(&stage, &other).await);
    let before = snapshot(&mut stage.admin().await, other.id).await;
    let report = walk(&stage, &demo, &victim, &own, probe(&demo, &other)).await;
    let after = snapshot(&mut stage.admin().await, other.id).await;
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
    assert!(report.calls > 1_000, "the walk went almost nowhere");
    assert_eq!(before, after, "the victim's rows changed");
}

#[tokio::test]
async fn another_tenants_rows_are_unseen_with_both_locks() {
    holds("both locks", |_, _| None).await;
}

#[tokio::test]
async fn another_tenants_rows_are_unseen_by_row_level_security_alone() {
    // The statements ask for the victim's rows; the policies know the attacker.
    holds("row-level security alone", |demo, other| {
        Some(Probe {
            attacker: demo.id,
            bound: other.id,
            setting: demo.id,
        })
    })
    .await;
}

#[tokio::test]
async fn another_tenants_rows_are_unseen_by_the_statements_alone() {
    // The policies would show the victim's rows; the statements ask for the attacker's.
    holds("statements alone", |demo, other| {
        Some(Probe {
            attacker: demo.id,
            bound: demo.id,
            setting: other.id,
        })
    })
    .await;
}

#[tokio::test]
async fn with_both_locks_open_the_walk_sees_the_attack_succeed() {
    let (stage, demo, other) = stage().await;
    let (own, victim) = (furnish(&stage, &demo).await, furnish(&stage, &other).await);
    let before = snapshot(&mut stage.admin().await, other.id).await;
    let probe = Probe {
        attacker: demo.id,
        bound: other.id,
        setting: other.id,
    };
    let report = walk(&stage, &demo, &victim, &own, Some(probe)).await;
    let seen = |what: &str| {
        let told = report.findings.iter();
        told.filter(|finding| finding.contains(what)).count()
    };
    let (texts, told_apart) = (seen("tells the text"), seen("differ"));
    println!(
        "both locks open: {} calls, {texts} saw texts, {told_apart} told foreign from missing",
        report.calls
    );
    // The attack also deletes, so most of what comes after a deletion finds nothing any more.
    assert!(texts >= 10 && told_apart >= 10, "{texts} and {told_apart}");
    let after = snapshot(&mut stage.admin().await, other.id).await;
    assert_ne!(before, after, "nothing of the victim's was changed");
}
