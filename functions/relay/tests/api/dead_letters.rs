//! Dead letters: listed and replayed by the platform's operators only.

use serde_json::{Value, json};

use crate::harness::{Fault, RelayHarness};

async fn park_events(harness: &RelayHarness, count: i64) -> Vec<Value> {
    for version in 1..=count {
        let subject = format!("tickets/{version}");
        harness
            .listener()
            .inject_faults(&subject, version, &[Fault::Poison]);
        let announced = [(subject, version)];
        harness
            .announce_all(harness.tenant.id, &announced, Some(b"sealed"))
            .await;
    }
    harness.dispatcher().run_until_idle().await.unwrap();
    list_dead_letters(harness, "").await
}

async fn list_dead_letters(harness: &RelayHarness, query: &str) -> Vec<Value> {
    let page = harness
        .operator()
        .get(&format!("/internal/dead-letters?{query}"))
        .await
        .expect(200)
        .json();
    page["items"].as_array().unwrap().clone()
}

async fn sealed_part(harness: &RelayHarness) -> Option<Vec<u8>> {
    sqlx::query_scalar("select sealed from events.outbox")
        .fetch_one(&mut harness.app.admin().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_replayed_event_reaches_only_the_function_that_refused_it() {
    let harness = RelayHarness::with_functions(&["one", "other"]).await;
    harness.listeners["one"].inject_faults("tickets/1", 1, &[Fault::Poison]);
    let announced = [("tickets/1".to_owned(), 1)];
    harness
        .announce_all(harness.tenant.id, &announced, Some(b"sealed"))
        .await;
    harness.dispatcher().run_until_idle().await.unwrap();
    let dead_letters = list_dead_letters(&harness, "").await;
    assert_eq!(dead_letters.len(), 1);
    assert!(
        !dead_letters[0].to_string().contains("c2VhbGVk"),
        "the sealed part is hidden"
    );
    assert_eq!(sealed_part(&harness).await.as_deref(), Some(&b"sealed"[..]));

    let path = format!(
        "/internal/dead-letters/{}/replay",
        dead_letters[0]["id"].as_str().unwrap()
    );
    let replayed = harness
        .operator()
        .post(&path, json!({}))
        .await
        .expect(202)
        .json();
    assert!(replayed["replayed_at"].is_string());
    harness
        .operator()
        .post(&path, json!({}))
        .await
        .expect_problem(409, "already_replayed");
    assert_eq!(harness.dispatcher().run_until_idle().await.unwrap(), 1);
    assert_eq!(harness.listeners["one"].versions("tickets/1"), [1]);
    assert_eq!(harness.listeners["other"].versions("tickets/1"), [1]);
    let received = harness.listeners["one"].received.lock().unwrap().clone();
    assert_eq!(received[0].sealed.as_deref(), Some(&b"sealed"[..]));
    assert_eq!(sealed_part(&harness).await, None);
    assert!(list_dead_letters(&harness, "").await.is_empty());
    assert_eq!(list_dead_letters(&harness, "replayed=true").await.len(), 1);
}

#[tokio::test]
async fn a_replay_before_the_first_settlement_reaches_every_function() {
    let harness = RelayHarness::with_functions(&["one", "other"]).await;
    let event = harness.announce("tickets/1", 1).await;
    // A RabbitMQ consumer parked it for one function, and the dispatcher that published it crashed before the settlement.
    sqlx::query(
        "insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
        values ($1, gen_random_uuid(), 'one', $2, '{}', 'poison', 1, now())",
    )
    .bind(harness.tenant.id)
    .bind(event)
    .execute(&mut harness.app.admin().await)
    .await
    .unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select dead_letter_id from events.dead_letters")
        .fetch_one(&mut harness.app.admin().await)
        .await
        .unwrap();
    let path = format!("/internal/dead-letters/{id}/replay");
    harness.operator().post(&path, json!({})).await;
    harness.dispatcher().run_until_idle().await.unwrap();
    assert_eq!(harness.listeners["one"].versions("tickets/1"), [1]);
    assert_eq!(harness.listeners["other"].versions("tickets/1"), [1]);
}

#[tokio::test]
async fn an_event_that_is_refused_again_reopens_its_dead_letter() {
    let harness = RelayHarness::new().await;
    let dead_letters = park_events(&harness, 1).await;
    let path = format!(
        "/internal/dead-letters/{}/replay",
        dead_letters[0]["id"].as_str().unwrap()
    );
    for _ in 0..2 {
        harness
            .listener()
            .inject_faults("tickets/1", 1, &[Fault::Poison]);
        harness.operator().post(&path, json!({})).await.expect(202);
        harness.dispatcher().run_until_idle().await.unwrap();
        let again = list_dead_letters(&harness, "").await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0]["id"], dead_letters[0]["id"]);
        assert_eq!(again[0]["reason"], "listener.notes: not ever");
    }
}

#[tokio::test]
async fn dead_letters_are_paginated_and_filtered_by_tenant() {
    let harness = RelayHarness::new().await;
    let other = harness.app.tenant("other").await;
    park_events(&harness, 5).await;
    let mut seen = Vec::new();
    let mut path = "/internal/dead-letters?limit=2".to_owned();
    loop {
        let page = harness.operator().get(&path).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/internal/dead-letters?limit=2&cursor={cursor}");
        harness
            .operator()
            .get(&format!(
                "/internal/dead-letters?replayed=true&cursor={cursor}"
            ))
            .await
            .expect_problem(400, "invalid_cursor");
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(
        list_dead_letters(&harness, &format!("tenant_id={}", harness.tenant.id))
            .await
            .len(),
        5
    );
    assert!(
        list_dead_letters(&harness, &format!("tenant_id={}", other.id))
            .await
            .is_empty()
    );
    for query in ["tenant_id=x", "limit=0", "replayed=maybe", "what=1"] {
        harness
            .operator()
            .get(&format!("/internal/dead-letters?{query}"))
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn users_cannot_list_or_replay_dead_letters() {
    let harness = RelayHarness::new().await;
    let dead_letters = park_events(&harness, 1).await;
    let replay = format!(
        "/internal/dead-letters/{}/replay",
        dead_letters[0]["id"].as_str().unwrap()
    );
    let superadmin = harness.app.superadmin().await;
    for client in [
        harness.app.anonymous(),
        harness.app.anonymous().bearer("x"),
        harness.app.as_user(&harness.tenant.admin),
        harness.app.as_user(&superadmin),
    ] {
        client
            .get("/internal/dead-letters")
            .await
            .expect_problem(401, "unauthenticated");
        client
            .post(&replay, json!({}))
            .await
            .expect_problem(401, "unauthenticated");
    }
    for id in ["x", "019ab1f2-0000-7000-8000-000000000001"] {
        harness
            .operator()
            .post(&format!("/internal/dead-letters/{id}/replay"), json!({}))
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(list_dead_letters(&harness, "").await.len(), 1);
}

#[tokio::test]
async fn a_dead_letter_from_pubsub_is_listed() {
    let harness = RelayHarness::new().await;
    harness.announce("tickets/a", 1).await;
    harness.dispatcher().run_until_idle().await.unwrap();
    let mut event = harness.listener().received.lock().unwrap()[0].clone();
    event.sealed = Some(b"sealed".to_vec());
    let mut body = events::push::wrap(&event, "listener", 1);
    body["message"]["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] = json!("7");
    let path = "/internal/dead-letters";
    harness
        .app
        .anonymous()
        .post(path, body.clone())
        .await
        .expect_problem(401, "unauthenticated");
    assert!(list_dead_letters(&harness, "").await.is_empty());
    // Pub/Sub may deliver it twice.
    for _ in 0..2 {
        harness
            .operator()
            .post(path, body.clone())
            .await
            .expect(204);
    }
    let dead_letters = list_dead_letters(&harness, "").await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(
        (&dead_letters[0]["function"], &dead_letters[0]["attempts"]),
        (&json!("listener"), &json!(7))
    );
    assert!(
        !dead_letters[0].to_string().contains("c2VhbGVk"),
        "the sealed part is hidden"
    );
    assert_eq!(sealed_part(&harness).await.as_deref(), Some(&b"sealed"[..]));
    // A dead letter of an unknown tenant is discarded and not redelivered.
    event.tenant = ids::TenantId::at(harness.clock().now());
    let body = events::push::wrap(&event, "listener", 1);
    harness.operator().post(path, body).await.expect(204);
    assert_eq!(list_dead_letters(&harness, "").await.len(), 1);
    harness
        .operator()
        .post(path, json!({"message": {"data": "e30="}}))
        .await
        .expect_problem(422, "validation_failed");
}
