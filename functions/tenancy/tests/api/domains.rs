use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Stage, TestTenant, dns::DnsServer};

use crate::{actions, announced, run_job, wrong_fields};

const HOST: &str = "app.demo.example";
const DAY: Duration = Duration::from_hours(24);

/// A stage whose tenancy asks this DNS server, and the server.
async fn stage() -> (Stage, DnsServer) {
    let dns = DnsServer::start().await;
    let address = dns.address();
    let make = move |db, gate| tenancy::service_with(db, gate, tenancy::Proofs::new(Some(address)));
    (
        Stage::made_of(vec![(tenancy::NAME, Arc::new(make))]).await,
        dns,
    )
}

fn domains(tenant: &TestTenant) -> String {
    format!("/api/v1/tenants/{}/domains", tenant.id)
}

/// Claims a host: the path of the claim, and what has to be said.
async fn claim(client: &Client, tenant: &TestTenant, host: &str) -> (String, String) {
    let claimed = client
        .post(&domains(tenant), json!({"host": host}))
        .await
        .expect(201);
    let text = claimed.json()["proof"]["text"].as_str().unwrap().to_owned();
    (claimed.header("location").to_owned(), text)
}

async fn verify(client: &Client, path: &str) -> testkit::Answer {
    client.post(&format!("{path}/verify"), json!({})).await
}

/// Whether pages of the host may ask.
async fn is_origin(stage: &Stage, host: &str) -> bool {
    let answer = stage
        .stranger()
        .call(Method::OPTIONS, "/api/v1/features")
        .header("origin", &format!("https://{host}"))
        .header("access-control-request-method", "GET")
        .send()
        .await;
    !answer.header("access-control-allow-origin").is_empty()
}

#[tokio::test]
async fn a_host_becomes_an_origin_when_its_record_says_the_proof_and_not_before() {
    let (stage, dns) = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let (path, text) = claim(&admin, &demo, " App.Demo.Example ").await;
    let refused = verify(&admin, &path)
        .await
        .refused(409, "domain_not_proved");
    assert_eq!(
        refused["findings"],
        json!({"dns": "missing", "file": "unreachable"})
    );
    dns.text_of("_revalenz.app.demo.example", "v=spf1 -all");
    dns.text_of("_revalenz.app.demo.example", &format!("{text}x"));
    verify(&admin, &path)
        .await
        .refused(409, "domain_not_proved");
    assert!(!is_origin(&stage, HOST).await);

    dns.text_of("_revalenz.app.demo.example", &text);
    let verified = verify(&admin, &path).await.expect(200).json();
    assert_eq!(
        (&verified["status"], &verified["method"]),
        (&json!("verified"), &json!("dns"))
    );
    assert!(is_origin(&stage, HOST).await);
    assert!(!is_origin(&stage, "demo.example").await);
    let page = admin.clone().with("origin", &format!("https://{HOST}"));
    page.get("/api/v1/features").await.expect(200);
    let other = stage.tenant("other").await;
    let stranger = stage
        .as_(&other.admin)
        .with("origin", &format!("https://{HOST}"));
    stranger
        .get("/api/v1/features")
        .await
        .refused(403, "origin_not_allowed");
    assert_eq!(announced(&stage, demo.id).await, ["domain.verified"]);
    verify(&admin, &path).await.expect(200);
    assert_eq!(
        announced(&stage, demo.id).await,
        ["domain.verified"],
        "once"
    );
    assert_eq!(
        actions(&admin).await,
        ["tenancy.domain.claimed", "tenancy.domain.verified"]
    );
}

#[tokio::test]
async fn of_two_who_claim_a_host_the_first_proof_counts_also_at_the_same_moment() {
    let (stage, dns) = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    let (ours, theirs) = (stage.as_(&demo.admin), stage.as_(&other.admin));
    let (our_path, our_text) = claim(&ours, &demo, HOST).await;
    let (their_path, their_text) = claim(&theirs, &other, HOST).await;
    ours.post(&domains(&demo), json!({"host": HOST}))
        .await
        .refused(409, "domain_known");
    dns.text_of("_revalenz.app.demo.example", &our_text);
    dns.text_of("_revalenz.app.demo.example", &their_text);
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
    verify(loser, lost).await.refused(409, "domain_taken");
    // Letting go is enough for nobody: the next one proves it.
    winner.delete(path).await.expect(204);
    assert!(!is_origin(&stage, HOST).await, "at once");
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
        .refused(409, "domain_not_proved");
}

#[tokio::test]
async fn another_tenants_claim_is_missing_and_only_admins_claim() {
    let (stage, _dns) = stage().await;
    let (demo, other) = (stage.tenant("demo").await, stage.tenant("other").await);
    let admin = stage.as_(&demo.admin);
    let (path, _) = claim(&admin, &demo, HOST).await;
    let stranger = stage.as_(&other.admin);
    let id = path.rsplit('/').next().unwrap();
    for path in [path.clone(), format!("{}/{id}", domains(&other))] {
        verify(&stranger, &path).await.refused(404, "not_found");
        stranger.delete(&path).await.refused(404, "not_found");
    }
    stranger
        .get(&domains(&demo))
        .await
        .refused(404, "not_found");
    stranger
        .post(&domains(&demo), json!({"host": HOST}))
        .await
        .refused(404, "not_found");
    for person in [&demo.manager, &demo.customer] {
        let client = stage.as_(person);
        client.get(&domains(&demo)).await.refused(403, "forbidden");
        verify(&client, &path).await.refused(403, "forbidden");
    }
    let list = admin.get(&domains(&demo)).await.expect(200).json();
    assert_eq!(list["items"][0]["status"], "pending");
    assert_eq!(
        list["items"][0]["proof"]["dns_name"],
        "_revalenz.app.demo.example"
    );
}

#[tokio::test]
async fn what_can_be_nobodys_frontend_is_refused() {
    let (stage, _dns) = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
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
        .refused(409, "domain_known");
}

#[tokio::test]
async fn no_server_inside_is_asked_for_the_file() {
    let (stage, dns) = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1"] {
        let host = format!("h{}.demo.example", address.replace('.', "-"));
        dns.address_of(&host, address);
        // One public address among them does not help.
        dns.address_of(&host, "198.51.100.7");
        let (path, _) = claim(&admin, &demo, &host).await;
        let refused = verify(&admin, &path)
            .await
            .refused(409, "domain_not_proved");
        assert_eq!(refused["findings"]["file"], "unreachable", "{address}");
    }
    let came = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(came.is_err());
}

#[tokio::test]
async fn a_proof_that_vanishes_is_missed_and_after_a_week_the_host_is_free() {
    let (stage, dns) = stage().await;
    let demo = stage.tenant("demo").await;
    sqlx::query("update access.sessions set expires_at = expires_at + interval '1 year'")
        .execute(&mut stage.admin().await)
        .await
        .unwrap();
    let admin = stage.as_(&demo.admin);
    let (path, text) = claim(&admin, &demo, HOST).await;
    let name = "_revalenz.app.demo.example";
    dns.text_of(name, &text);
    verify(&admin, &path).await.expect(200);
    let checked = |proved, failing, released| json!({"proved": proved, "failing": failing, "released": released, "unknown": 0});
    assert_eq!(run_job(&stage, "check-domains").await, checked(1, 0, 0));
    dns.forget(name);
    stage.clock.advance(DAY);
    assert_eq!(run_job(&stage, "check-domains").await, checked(0, 1, 0));
    let show = async || {
        let list = stage
            .as_(&demo.admin)
            .get(&domains(&demo))
            .await
            .expect(200)
            .json();
        list["items"][0].clone()
    };
    assert_eq!(show().await["status"], "failing");
    assert!(is_origin(&stage, HOST).await, "a warning first");
    // It comes back, and the days begin anew when it goes again.
    dns.text_of(name, &text);
    assert_eq!(run_job(&stage, "check-domains").await, checked(1, 0, 0));
    assert_eq!(show().await["failing_since"], Value::Null);
    dns.forget(name);
    assert_eq!(run_job(&stage, "check-domains").await, checked(0, 1, 0));
    stage.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(run_job(&stage, "check-domains").await, checked(0, 1, 0));
    assert!(is_origin(&stage, HOST).await);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(run_job(&stage, "check-domains").await, checked(0, 0, 1));
    assert!(!is_origin(&stage, HOST).await);
    let after = show().await;
    assert_eq!(after["status"], "pending");
    assert_ne!(
        after["proof"]["text"],
        json!(text),
        "the old proof is worth nothing"
    );
    assert_eq!(
        announced(&stage, demo.id).await,
        [
            "domain.verified",
            "domain.failing",
            "domain.failing",
            "domain.released"
        ]
    );
}

#[tokio::test]
async fn a_dns_that_is_away_takes_nobodys_domain() {
    let (stage, dns) = stage().await;
    let demo = stage.tenant("demo").await;
    let admin = stage.as_(&demo.admin);
    let (path, text) = claim(&admin, &demo, HOST).await;
    dns.text_of("_revalenz.app.demo.example", &text);
    verify(&admin, &path).await.expect(200);
    drop(dns);
    let checked = run_job(&stage, "check-domains").await;
    assert_eq!(checked["unknown"], 1, "{checked}");
    assert!(is_origin(&stage, HOST).await);
}
