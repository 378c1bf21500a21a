use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant, dns::DnsServer};

use crate::{actions, announced, run_job, wrong_fields};

const HOST: &str = "app.demo.example";
const DAY: Duration = Duration::from_hours(24);

/// An app that verifies domains with the returned DNS server.
async fn app() -> (TestApp, DnsServer) {
    let dns = DnsServer::start().await;
    let address = dns.address();
    let make = move |db, state| {
        tenancy::service_with(db, state, tenancy::DomainVerifier::new(Some(address)))
    };
    (
        TestApp::from_factories(vec![(tenancy::NAME, Arc::new(make))]).await,
        dns,
    )
}

fn domains(tenant: &TestTenant) -> String {
    format!("/api/v1/tenants/{}/domains", tenant.id)
}

/// Claims a host; returns the path of the claim and the text of the proof.
async fn claim(client: &Client, tenant: &TestTenant, host: &str) -> (String, String) {
    let claimed = client
        .post(&domains(tenant), json!({"host": host}))
        .await
        .expect(201);
    let text = claimed.json()["proof"]["text"].as_str().unwrap().to_owned();
    (claimed.header("location").to_owned(), text)
}

async fn verify(client: &Client, path: &str) -> testkit::TestResponse {
    client.post(&format!("{path}/verify"), json!({})).await
}

/// Whether the host is a CORS origin.
async fn is_origin(app: &TestApp, host: &str) -> bool {
    let answer = app
        .anonymous()
        .call(Method::OPTIONS, "/api/v1/features")
        .header("origin", &format!("https://{host}"))
        .header("access-control-request-method", "GET")
        .send()
        .await;
    !answer.header("access-control-allow-origin").is_empty()
}

#[tokio::test]
async fn a_host_becomes_an_origin_once_its_record_contains_the_proof() {
    let (app, dns) = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let (path, text) = claim(&admin, &demo, " App.Demo.Example ").await;
    let refused = verify(&admin, &path)
        .await
        .expect_problem(409, "domain_not_proved");
    assert_eq!(
        refused["findings"],
        json!({"dns": "missing", "file": "unreachable"})
    );
    dns.set_txt("_revalenz.app.demo.example", "v=spf1 -all");
    dns.set_txt("_revalenz.app.demo.example", &format!("{text}x"));
    verify(&admin, &path)
        .await
        .expect_problem(409, "domain_not_proved");
    assert!(!is_origin(&app, HOST).await);

    dns.set_txt("_revalenz.app.demo.example", &text);
    let verified = verify(&admin, &path).await.expect(200).json();
    assert_eq!(
        (&verified["status"], &verified["method"]),
        (&json!("verified"), &json!("dns"))
    );
    assert!(is_origin(&app, HOST).await);
    assert!(!is_origin(&app, "demo.example").await);
    let page = admin.clone().with("origin", &format!("https://{HOST}"));
    page.get("/api/v1/features").await.expect(200);
    let other = app.tenant("other").await;
    let other_admin = app
        .as_user(&other.admin)
        .with("origin", &format!("https://{HOST}"));
    other_admin
        .get("/api/v1/features")
        .await
        .expect_problem(403, "origin_not_allowed");
    assert_eq!(announced(&app, demo.id).await, ["domain.verified"]);
    verify(&admin, &path).await.expect(200);
    assert_eq!(announced(&app, demo.id).await, ["domain.verified"], "once");
    assert_eq!(
        actions(&admin).await,
        ["tenancy.domain.claimed", "tenancy.domain.verified"]
    );
}

#[tokio::test]
async fn the_first_tenant_to_verify_a_host_gets_it_even_concurrently() {
    let (app, dns) = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let (ours, theirs) = (app.as_user(&demo.admin), app.as_user(&other.admin));
    let (our_path, our_text) = claim(&ours, &demo, HOST).await;
    let (their_path, their_text) = claim(&theirs, &other, HOST).await;
    ours.post(&domains(&demo), json!({"host": HOST}))
        .await
        .expect_problem(409, "domain_known");
    dns.set_txt("_revalenz.app.demo.example", &our_text);
    dns.set_txt("_revalenz.app.demo.example", &their_text);
    let answers = join_all([verify(&ours, &our_path), verify(&theirs, &their_path)]).await;
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (winner, path, loser, lost) = if answers[0].status == 200 {
        (&ours, &our_path, &theirs, &their_path)
    } else {
        (&theirs, &their_path, &ours, &our_path)
    };
    verify(loser, lost)
        .await
        .expect_problem(409, "domain_taken");
    // After a release, the next tenant still has to verify the host.
    winner.delete(path).await.expect(204);
    assert!(!is_origin(&app, HOST).await, "at once");
    winner.get(path).await.expect(405);
    verify(loser, lost).await.expect(200);
    let (again, _) = {
        let tenant = if answers[0].status == 200 {
            &demo
        } else {
            &other
        };
        claim(winner, tenant, HOST).await
    };
    verify(winner, &again)
        .await
        .expect_problem(409, "domain_not_proved");
}

#[tokio::test]
async fn claims_of_another_tenant_are_not_found_and_only_admins_claim() {
    let (app, _dns) = app().await;
    let (demo, other) = (app.tenant("demo").await, app.tenant("other").await);
    let admin = app.as_user(&demo.admin);
    let (path, _) = claim(&admin, &demo, HOST).await;
    let other_admin = app.as_user(&other.admin);
    let id = path.rsplit('/').next().unwrap();
    for path in [path.clone(), format!("{}/{id}", domains(&other))] {
        verify(&other_admin, &path)
            .await
            .expect_problem(404, "not_found");
        other_admin
            .delete(&path)
            .await
            .expect_problem(404, "not_found");
    }
    other_admin
        .get(&domains(&demo))
        .await
        .expect_problem(404, "not_found");
    other_admin
        .post(&domains(&demo), json!({"host": HOST}))
        .await
        .expect_problem(404, "not_found");
    for person in [&demo.manager, &demo.customer] {
        let client = app.as_user(person);
        client
            .get(&domains(&demo))
            .await
            .expect_problem(403, "forbidden");
        verify(&client, &path)
            .await
            .expect_problem(403, "forbidden");
    }
    let list = admin.get(&domains(&demo)).await.expect(200).json();
    assert_eq!(list["items"][0]["status"], "pending");
    assert_eq!(
        list["items"][0]["proof"]["dns_name"],
        "_revalenz.app.demo.example"
    );
}

#[tokio::test]
async fn hosts_that_cannot_be_a_frontend_are_refused() {
    let (app, _dns) = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    for (host, code) in [
        ("*.demo.example", "invalid_format"),
        ("127.0.0.1", "invalid_format"),
        ("2130706433", "invalid_format"),
        ("[::1]", "invalid_format"),
        ("com", "invalid_format"),
        ("localhost", "invalid_format"),
        ("db.internal", "invalid_format"),
        ("https://app.demo.example", "invalid_format"),
        ("api.revalenz.example", "reserved"),
        ("revalenz.example", "reserved"),
        ("Demo.Revalenz.example", "reserved"),
    ] {
        let answer = admin.post(&domains(&demo), json!({"host": host})).await;
        assert_eq!(wrong_fields(answer), [format!("/host {code}")], "{host}");
    }
    let claimed = admin
        .post(&domains(&demo), json!({"host": "Bücher.example"}))
        .await;
    assert_eq!(claimed.expect(201).json()["host"], "xn--bcher-kva.example");
    admin
        .post(&domains(&demo), json!({"host": "xn--bcher-kva.EXAMPLE"}))
        .await
        .expect_problem(409, "domain_known");
}

#[tokio::test]
async fn internal_servers_are_not_contacted_for_the_file() {
    let (app, dns) = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1"] {
        let host = format!("h{}.demo.example", address.replace('.', "-"));
        dns.set_address(&host, address);
        // A public address among private ones makes no difference.
        dns.set_address(&host, "198.51.100.7");
        let (path, _) = claim(&admin, &demo, &host).await;
        let refused = verify(&admin, &path)
            .await
            .expect_problem(409, "domain_not_proved");
        assert_eq!(refused["findings"]["file"], "unreachable", "{address}");
    }
    let came = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(came.is_err());
}

#[tokio::test]
async fn a_host_is_released_after_its_proof_was_missing_for_a_week() {
    let (app, dns) = app().await;
    let demo = app.tenant("demo").await;
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let admin = app.as_user(&demo.admin);
    let (path, text) = claim(&admin, &demo, HOST).await;
    let name = "_revalenz.app.demo.example";
    dns.set_txt(name, &text);
    verify(&admin, &path).await.expect(200);
    let checked = |proved, failing, released| json!({"proved": proved, "failing": failing, "released": released, "unknown": 0});
    assert_eq!(run_job(&app, "check-domains").await, checked(1, 0, 0));
    dns.remove(name);
    app.clock.advance(DAY);
    assert_eq!(run_job(&app, "check-domains").await, checked(0, 1, 0));
    let show = async || {
        let list = app
            .as_user(&demo.admin)
            .get(&domains(&demo))
            .await
            .expect(200)
            .json();
        list["items"][0].clone()
    };
    assert_eq!(show().await["status"], "failing");
    assert!(is_origin(&app, HOST).await, "a warning first");
    // Restoring the proof restarts the grace period.
    dns.set_txt(name, &text);
    assert_eq!(run_job(&app, "check-domains").await, checked(1, 0, 0));
    assert_eq!(show().await["failing_since"], Value::Null);
    dns.remove(name);
    assert_eq!(run_job(&app, "check-domains").await, checked(0, 1, 0));
    app.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(run_job(&app, "check-domains").await, checked(0, 1, 0));
    assert!(is_origin(&app, HOST).await);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(run_job(&app, "check-domains").await, checked(0, 0, 1));
    assert!(!is_origin(&app, HOST).await);
    let after = show().await;
    assert_eq!(after["status"], "pending");
    assert_ne!(
        after["proof"]["text"],
        json!(text),
        "the old proof is no longer valid"
    );
    assert_eq!(
        announced(&app, demo.id).await,
        [
            "domain.verified",
            "domain.failing",
            "domain.failing",
            "domain.released"
        ]
    );
}

#[tokio::test]
async fn an_unreachable_dns_releases_no_domain() {
    let (app, dns) = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let (path, text) = claim(&admin, &demo, HOST).await;
    dns.set_txt("_revalenz.app.demo.example", &text);
    verify(&admin, &path).await.expect(200);
    drop(dns);
    let checked = run_job(&app, "check-domains").await;
    assert_eq!(checked["unknown"], 1, "{checked}");
    assert!(is_origin(&app, HOST).await);
}

#[tokio::test]
async fn a_page_can_read_that_a_path_is_unknown() {
    let (app, _dns) = app().await;
    let answer = app
        .anonymous()
        .with("origin", testkit::PUBLIC_URL)
        .get("/api/v1/nope")
        .await
        .expect(404);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        testkit::PUBLIC_URL
    );
    assert!(answer.header("vary").contains("Origin"), "{answer:?}");
}
