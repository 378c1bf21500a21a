use testkit::{Client, Stage};
use tokio::task::JoinSet;

use crate::{LET_GO, WAITING, shelf};

const PLACES: usize = 8;

/// Requests that take the whole share of a tenant and wait.
async fn saturate(client: &Client) -> JoinSet<u16> {
    let share = PLACES / 2;
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

async fn answered(calls: JoinSet<u16>) {
    LET_GO.add_permits(calls.len());
    assert_eq!(calls.join_all().await, [200; PLACES / 2]);
}

#[tokio::test]
async fn a_tenant_whose_requests_all_wait_is_refused_more_and_the_others_are_answered() {
    let stage = Stage::with_places(&[("support", shelf)], PLACES).await;
    let (noisy, quiet) = (stage.tenant("noisy").await, stage.tenant("quiet").await);
    let customer = stage.as_(&noisy.customer);
    let waiting = saturate(&customer).await;

    for _ in 0..20 {
        let refused = customer.get("/api/v1/shelf").await;
        assert_eq!(refused.header("retry-after"), "1");
        refused.refused(503, "overloaded");
    }
    // Whoever it is: the tenant's share is one.
    stage
        .key(noisy.id, &[])
        .await
        .get("/api/v1/shelf")
        .await
        .refused(503, "overloaded");
    stage
        .as_(&quiet.customer)
        .get("/api/v1/shelf")
        .await
        .expect(200);
    stage.stranger().get("/api/v1/shelf/free").await.expect(200);

    // A second one takes what is left: then even strangers are refused, before anything is looked up.
    let others = stage.as_(&quiet.customer);
    let mut rest = saturate(&others).await;
    stage
        .stranger()
        .get("/api/v1/shelf/free")
        .await
        .refused(503, "overloaded");

    // Clients that hang up leave their places behind, and so do those that were answered.
    rest.shutdown().await;
    stage.stranger().get("/api/v1/shelf/free").await.expect(200);
    answered(waiting).await;
    customer.get("/api/v1/shelf").await.expect(200);
    answered(saturate(&others).await).await;
}
