use testkit::{Client, TestApp};
use tokio::task::JoinSet;

use crate::{LET_GO, UNHURRIED, WAITING, shelf};

const MAX_IN_FLIGHT: usize = 8;

/// Starts requests that use up the share of a tenant, and waits until all of them are in progress.
async fn saturate(client: &Client) -> JoinSet<u16> {
    let share = MAX_IN_FLIGHT / 2;
    let mut calls = JoinSet::new();
    for _ in 0..share {
        let client = client.clone();
        calls.spawn(async move { client.get("/api/v1/shelf/slow").await.status.as_u16() });
    }
    tokio::select! {
        all = WAITING.acquire_many(u32::try_from(share).unwrap()) => all.unwrap().forget(),
        early = calls.join_next() => panic!("one did not wait: {early:?}"),
    }
    calls
}

async fn release(calls: JoinSet<u16>) {
    LET_GO.add_permits(calls.len());
    assert_eq!(calls.join_all().await, [200; MAX_IN_FLIGHT / 2]);
}

#[tokio::test]
async fn a_tenant_at_its_share_is_refused_while_others_are_served() {
    let app = TestApp::with_max_in_flight(&[("support", shelf)], MAX_IN_FLIGHT).await;
    let (noisy, quiet) = (app.tenant("noisy").await, app.tenant("quiet").await);
    let customer = app.as_user(&noisy.customer);
    let waiting = saturate(&customer).await;

    for _ in 0..20 {
        let refused = customer.get("/api/v1/shelf").await;
        assert_eq!(refused.header("retry-after"), "1");
        refused.expect_problem(503, "overloaded");
    }
    // All callers of a tenant share its permits.
    app.key(noisy.id, &[])
        .await
        .get("/api/v1/shelf")
        .await
        .expect_problem(503, "overloaded");
    app.as_user(&quiet.customer)
        .get("/api/v1/shelf")
        .await
        .expect(200);
    app.anonymous().get("/api/v1/shelf/free").await.expect(200);

    // A second tenant takes the rest: anonymous requests are refused too, before any lookup.
    let others = app.as_user(&quiet.customer);
    let mut rest = saturate(&others).await;
    app.anonymous()
        .get("/api/v1/shelf/free")
        .await
        .expect_problem(503, "overloaded");

    // Disconnected clients release their permits, and so do answered ones.
    rest.shutdown().await;
    app.anonymous().get("/api/v1/shelf/free").await.expect(200);
    release(waiting).await;
    customer.get("/api/v1/shelf").await.expect(200);
    release(saturate(&others).await).await;
}

#[tokio::test]
async fn an_unverified_credential_gets_no_more_permits_than_an_anonymous_request() {
    let app = TestApp::with_max_in_flight(&[("support", shelf)], MAX_IN_FLIGHT).await;
    let demo = app.tenant("demo").await;
    let forged = app.anonymous().bearer("x");
    // One of eight permits for each address, held while the request is in progress.
    let call = |client: &Client, path: &str| {
        let call = client.call(http::Method::GET, path);
        call.from_address("2001:db8::1").send()
    };
    let first = tokio::spawn(call(&forged, "/api/v1/shelf/unhurried"));
    UNHURRIED.acquire().await.unwrap().forget();
    call(&forged, "/api/v1/shelf/free")
        .await
        .expect_problem(401, "unauthenticated");
    call(&app.as_user(&demo.customer), "/api/v1/shelf")
        .await
        .expect(200);
    first.abort();
}
