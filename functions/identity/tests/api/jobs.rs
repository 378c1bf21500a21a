use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::jobs::SCHEDULE_TIME;
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, TestApp};
use tower::ServiceExt;
use web::edge::{self, Edge};

use super::{add, announced, bearer, count, demo, login, try_login};

const DAY: Duration = Duration::from_hours(24);
const ROTATE: &str = "/internal/jobs/rotate-signing-keys";
pub(crate) const EXPIRE: &str = "/internal/jobs/expire-sessions";
const CERTIFICATES: &str = "/internal/jobs/expiring-certificates";

/// The scheduler, with a different scheduled time for each run.
pub(crate) fn platform(app: &TestApp) -> Client {
    let proof = app.state.internal_auth().header().unwrap();
    app.anonymous()
        .with("authorization", proof.to_str().unwrap())
        .with(SCHEDULE_TIME, &next_schedule_time(app))
}

fn next_schedule_time(app: &TestApp) -> String {
    static TIMES: AtomicI64 = AtomicI64::new(0);
    let later = chrono::TimeDelta::milliseconds(TIMES.fetch_add(1, Ordering::Relaxed));
    (app.clock.now() + later).to_rfc3339()
}

async fn run(app: &TestApp, path: &str) -> Value {
    platform(app).post(path, json!({})).await.expect(200).json()
}

/// The published keys, except the test app's own.
async fn published(app: &TestApp) -> Vec<String> {
    let set = app
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .expect(200)
        .json();
    let keys = set["keys"].as_array().unwrap().iter();
    let ids = keys.map(|key| key["kid"].as_str().unwrap().to_owned());
    ids.filter(|id| id != "testkit").collect()
}

fn signed_with(tokens: &Value) -> String {
    let header = tokens["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn keys_are_published_before_they_sign_and_until_no_token_needs_them() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let first = signed_with(&login(&app, "ada@demo.example").await);
    assert_eq!(published(&app).await, std::slice::from_ref(&first));
    assert_eq!(
        run(&app, ROTATE).await,
        json!({"rotated": false, "published": true, "removed": 0})
    );
    assert_eq!(
        run(&app, ROTATE).await,
        json!({"rotated": false, "published": false, "removed": 0})
    );
    let two = published(&app).await;
    let next = two.iter().find(|id| **id != first).unwrap().clone();
    assert_eq!((two.len(), two.contains(&first)), (2, true));

    app.clock.advance(31 * DAY);
    let before = login(&app, "ada@demo.example").await;
    assert_eq!(signed_with(&before), first);
    assert_eq!(
        run(&app, ROTATE).await,
        json!({"rotated": true, "published": true, "removed": 0})
    );
    let after = login(&app, "ada@demo.example").await;
    assert_eq!(signed_with(&after), next);
    for tokens in [&before, &after] {
        bearer(&app, tokens).get("/api/v1/me").await.expect(200);
    }
    let three = published(&app).await;
    assert!(three.len() == 3 && three.contains(&first) && three.contains(&next));
    // The private half of a retired key is deleted.
    let private = "select count(*) from identity.signing_keys";
    assert_eq!(count(&app, private).await, 2);

    app.clock.advance(Duration::from_mins(61));
    let two = published(&app).await;
    assert!(two.len() == 2 && !two.contains(&first));
    assert_eq!(run(&app, ROTATE).await["removed"], 1);
    let known = "select count(*) from access.signing_keys where key_id <> 'testkit'";
    assert_eq!(count(&app, known).await, 2);
}

#[tokio::test]
async fn a_removed_key_verifies_no_token() {
    let (app, tenant) = demo().await;
    let tokens = app.token(&tenant.customer);
    let client = app.anonymous().bearer(&tokens);
    client.get("/api/v1/me").await.expect(200);
    super::execute(
        &app,
        "update access.signing_keys set retired_at = '2026-11-20T08:59:00Z' where key_id = 'testkit'",
    )
    .await;
    // A new token, because the verified first one is cached.
    let mut claims = app.claims(&tenant.customer);
    claims.jti = "another".to_owned();
    let other = app.signer().sign(&claims).unwrap();
    app.anonymous()
        .bearer(&other)
        .get("/api/v1/me")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn ten_concurrent_rotations_rotate_once() {
    let (app, tenant) = demo().await;
    add(&app, &tenant, "customer", "ada@demo.example").await;
    // Three processes with open connections run the rotation concurrently.
    let mut processes = Vec::new();
    for _ in 0..3 {
        let db = db::Db::connect_lazy(&app.database.login_url("identity"), 4).unwrap();
        let service = identity::service(db, app.state.clone());
        let keys = http::Request::get("/.well-known/jwks.json").body(Body::empty());
        let warm = service.root.clone().oneshot(keys.unwrap()).await.unwrap();
        assert_eq!(warm.status(), 200);
        let edge = Edge {
            clock: app.clock.clone(),
            trusted_proxies: 0,
        };
        processes.push(edge::wrap(service.internal, edge));
    }
    let at_once = async || {
        let proof = app.state.internal_auth().header().unwrap();
        let many = processes.iter().cycle().take(10).map(|process| {
            let request = http::Request::post(ROTATE)
                .header("authorization", proof.clone())
                .header(SCHEDULE_TIME, next_schedule_time(&app));
            process
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
        });
        let mut answers = Vec::new();
        for answer in join_all(many).await {
            let answer = answer.unwrap();
            // Runs that start while the first is in progress return at once.
            if answer.status() == 409 {
                continue;
            }
            assert_eq!(answer.status(), 200);
            let body = axum::body::to_bytes(answer.into_body(), 1_000)
                .await
                .unwrap();
            answers.push(serde_json::from_slice::<Value>(&body).unwrap());
        }
        let those = |what: &str| answers.iter().filter(|one| one[what] == true).count();
        (those("rotated"), those("published"))
    };
    assert_eq!(at_once().await, (0, 1));
    app.clock.advance(31 * DAY);
    assert_eq!(at_once().await, (1, 1));
    assert_eq!(at_once().await, (0, 0));
    for status in ["current", "next"] {
        let of_status =
            format!("select count(*) from access.signing_keys where status = '{status}'");
        let of_status: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(of_status))
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap();
        assert_eq!(of_status, 1, "{status}");
    }
    let tokens = login(&app, "ada@demo.example").await;
    bearer(&app, &tokens).get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn only_data_past_its_retention_is_deleted() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let invite = json!({"email": "invited@demo.example", "name": "New"});
    let call = admin
        .call(http::Method::POST, "/api/v1/users")
        .header("idempotency-key", "one");
    call.json(&invite).send().await.expect(201);
    let register = json!({
        "tenant": "demo", "email": "came@demo.example", "password": "correct horse battery", "name": "Came By",
    });
    app.anonymous()
        .post("/api/v1/auth/register", register)
        .await
        .expect(202);
    add(&app, &tenant, "customer", "ada@demo.example").await;
    let nothing = json!({"sessions": 0, "one_time_tokens": 0, "idempotency_keys": 0, "registrations": 0, "tombstones": 0});
    assert_eq!(run(&app, EXPIRE).await, nothing);

    // Idempotency keys are deleted after one day.
    app.clock.advance(DAY + Duration::from_secs(1));
    assert_eq!(run(&app, EXPIRE).await["idempotency_keys"], 1);
    // The registration's link is kept while it shows that the user registered, and goes with the registration after seven days.
    let links = "select count(*) from identity.one_time_tokens where purpose = 'verify_email'";
    app.clock.advance(5 * DAY);
    assert_eq!(run(&app, EXPIRE).await["registrations"], 0);
    assert_eq!(count(&app, links).await, 1);
    app.clock.advance(2 * DAY);
    assert_eq!(run(&app, EXPIRE).await["registrations"], 1);
    assert_eq!(count(&app, links).await, 0);
    // The invitation's link, one month after it expired.
    app.clock.advance(33 * DAY);
    assert_eq!(run(&app, EXPIRE).await["one_time_tokens"], 1);
    // All sessions ended on day 30.
    let sessions = count(&app, "select count(*) from identity.sessions").await;
    assert!(sessions >= 6);
    app.clock.advance(70 * DAY);
    let fresh = login(&app, "ada@demo.example").await;
    app.clock.advance(10 * DAY);
    assert_eq!(run(&app, EXPIRE).await["sessions"], sessions);
    for table in [
        "select count(*) from identity.sessions",
        "select count(*) from access.sessions",
    ] {
        assert_eq!(count(&app, table).await, 1, "{table}");
    }
    super::try_refresh(&app, &fresh["refresh_token"])
        .await
        .expect(200);
    assert_eq!(run(&app, EXPIRE).await, nothing);
    try_login(&app, "demo", "ada@demo.example", super::PASSWORD)
        .await
        .expect(200);
}

/// Inserts this many old links and idempotency keys in each tenant.
async fn insert_expired_rows(app: &TestApp) {
    super::execute(
        app,
        "insert into identity.one_time_tokens
            (tenant_id, one_time_token_id, user_id, purpose, secret_hash, expires_at, created_at)
        select p.tenant_id, gen_random_uuid(), p.user_id, 'reset_password', '', '2026-01-02', '2026-01-01'
        from (select distinct on (tenant_id) tenant_id, user_id from identity.users) p, generate_series(1, 2500)",
    )
    .await;
    super::execute(
        app,
        "insert into access.idempotency_keys
            (tenant_id, principal, method, path, idempotency_key, fingerprint, created_at)
        select t.tenant_id, 'somebody', 'POST', '/', n, '', '2026-01-01'
        from access.tenants t, generate_series(1, 2500) n
        where t.slug in ('demo', 'other')",
    )
    .await;
}

#[tokio::test]
async fn no_statement_deletes_more_than_a_thousand_rows() {
    let (app, _tenant) = demo().await;
    insert_expired_rows(&app).await;
    super::execute(
        &app,
        "create function public.refuse_many() returns trigger language plpgsql as $$
        begin
            if (select count(*) from gone) > 1000 then raise exception 'too many at once'; end if;
            return null;
        end $$",
    )
    .await;
    for watched in [
        "create trigger few after delete on identity.one_time_tokens
        referencing old table as gone for each statement execute function public.refuse_many()",
        "create trigger few after delete on access.idempotency_keys
        referencing old table as gone for each statement execute function public.refuse_many()",
    ] {
        super::execute(&app, watched).await;
    }
    assert_eq!(
        run(&app, EXPIRE).await,
        json!({"sessions": 0, "one_time_tokens": 2500, "idempotency_keys": 2500, "registrations": 0, "tombstones": 0})
    );
}

#[tokio::test]
async fn a_failing_tenant_does_not_block_the_others() {
    let (app, _tenant) = demo().await;
    app.tenant("other").await;
    insert_expired_rows(&app).await;
    super::execute(
        &app,
        "create function public.refuse_demo() returns trigger language plpgsql security definer as $$
        begin
            if exists (select from access.tenants where tenant_id = old.tenant_id and slug = 'demo') then
                raise exception 'not this one';
            end if;
            return old;
        end $$",
    )
    .await;
    super::execute(
        &app,
        "create trigger refused before delete on identity.one_time_tokens
        for each row execute function public.refuse_demo()",
    )
    .await;
    platform(&app).post(EXPIRE, json!({})).await.expect(500);
    let left: Vec<String> = sqlx::query_scalar(
        "select distinct t.slug from identity.one_time_tokens k join access.tenants t using (tenant_id)",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(left, ["demo"], "the other tenant's are gone");
}

#[tokio::test]
async fn an_expiring_certificate_is_announced_once() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let skill = |name: &str, until: &str| json!({"skill": name, "level": 3, "certificate": {"name": "Paper", "valid_until": until}});
    let set = json!({"items": [
        skill("heating", "2026-12-20"), skill("roofs", "2026-12-21"), skill("pipes", "2026-11-19"),
        skill("wires", "2026-11-20"), {"skill": "walls", "level": 1},
    ]});
    let path = format!("/api/v1/users/{}/expertise", tenant.expert.id);
    admin.put(&path, set.clone()).await.expect(200);
    let gone = format!("/api/v1/users/{}", tenant.expert2.id);
    let theirs = json!({"items": [skill("heating", "2026-12-01")]});
    admin
        .put(&format!("{gone}/expertise"), theirs)
        .await
        .expect(200);
    admin.delete(&gone).await.expect(204);
    let many = (0..5).map(|_| async {
        let knocked = platform(&app).post(CERTIFICATES, json!({})).await;
        assert!(matches!(knocked.status.as_u16(), 200 | 409));
        knocked
    });
    let answers: i64 = join_all(many)
        .await
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json()["certificates"].as_i64().unwrap())
        .sum();
    assert_eq!(answers, 2);
    let kind = "de.revalenz.identity.certificate.expiring.v1";
    assert_eq!(announced(&app, kind).await, 2);
    // Writing the same skills again publishes no event; one day later the next certificate is due.
    admin.put(&path, json!({"items": []})).await.expect(200);
    admin.put(&path, set).await.expect(200);
    assert_eq!(run(&app, CERTIFICATES).await["certificates"], 0);
    app.clock.advance(DAY);
    assert_eq!(run(&app, CERTIFICATES).await["certificates"], 1);
    assert_eq!(announced(&app, kind).await, 3);
}

#[tokio::test]
async fn only_the_platform_can_start_a_job() {
    let (app, tenant) = demo().await;
    let staff = app.superadmin().await;
    for job in [
        "rotate-signing-keys",
        "expire-sessions",
        "expiring-certificates",
    ] {
        let path = format!("/internal/jobs/{job}");
        for client in [
            app.anonymous(),
            app.as_user(&tenant.admin),
            app.as_user(&staff),
        ] {
            client
                .post(&path, json!({}))
                .await
                .expect_problem(401, "unauthenticated");
        }
    }
}
