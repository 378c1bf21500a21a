//! Dead letters: looked at and put back by the platform's operators alone.

use serde_json::{Value, json};

use crate::scene::{Mood, Scene};

async fn parked(scene: &Scene, count: i64) -> Vec<Value> {
    for version in 1..=count {
        let subject = format!("tickets/{version}");
        scene.ear().moods(&subject, version, &[Mood::Poison]);
        let announced = [(subject, version)];
        scene
            .announce_all(scene.tenant.id, &announced, Some(b"sealed"))
            .await;
    }
    scene.relay().run_dry().await.unwrap();
    list(scene, "").await
}

async fn list(scene: &Scene, query: &str) -> Vec<Value> {
    let page = scene
        .operator()
        .get(&format!("/internal/dead-letters?{query}"))
        .await
        .expect(200)
        .json();
    page["items"].as_array().unwrap().clone()
}

async fn sealed(scene: &Scene) -> Option<Vec<u8>> {
    sqlx::query_scalar("select sealed from events.outbox")
        .fetch_one(&mut scene.stage.admin().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_replayed_event_reaches_the_function_that_would_not_take_it_and_no_other() {
    let scene = Scene::of(&["one", "other"]).await;
    scene.ears["one"].moods("tickets/1", 1, &[Mood::Poison]);
    let announced = [("tickets/1".to_owned(), 1)];
    scene
        .announce_all(scene.tenant.id, &announced, Some(b"sealed"))
        .await;
    scene.relay().run_dry().await.unwrap();
    let letters = list(&scene, "").await;
    assert_eq!(letters.len(), 1);
    assert!(
        !letters[0].to_string().contains("c2VhbGVk"),
        "what is sealed is not shown"
    );
    assert_eq!(sealed(&scene).await.as_deref(), Some(&b"sealed"[..]));

    let path = format!(
        "/internal/dead-letters/{}/replay",
        letters[0]["id"].as_str().unwrap()
    );
    let replayed = scene
        .operator()
        .post(&path, json!({}))
        .await
        .expect(202)
        .json();
    assert!(replayed["replayed_at"].is_string());
    scene
        .operator()
        .post(&path, json!({}))
        .await
        .refused(409, "already_replayed");
    assert_eq!(scene.relay().run_dry().await.unwrap(), 1);
    assert_eq!(scene.ears["one"].versions("tickets/1"), [1]);
    assert_eq!(scene.ears["other"].versions("tickets/1"), [1]);
    let heard = scene.ears["one"].heard.lock().unwrap().clone();
    assert_eq!(heard[0].sealed.as_deref(), Some(&b"sealed"[..]));
    assert_eq!(sealed(&scene).await, None);
    assert!(list(&scene, "").await.is_empty());
    assert_eq!(list(&scene, "replayed=true").await.len(), 1);
}

#[tokio::test]
async fn a_replay_that_comes_before_the_first_settlement_takes_the_event_from_nobody() {
    let scene = Scene::of(&["one", "other"]).await;
    let event = scene.announce("tickets/1", 1).await;
    // A broker's carrier has parked it for one function while the relay that handed it on died before it wrote that down.
    sqlx::query(
        "insert into events.dead_letters (tenant_id, dead_letter_id, consumer, event_id, envelope, reason, attempts, parked_at)
        values ($1, gen_random_uuid(), 'one', $2, '{}', 'poison', 1, now())",
    )
    .bind(scene.tenant.id)
    .bind(event)
    .execute(&mut scene.stage.admin().await)
    .await
    .unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select dead_letter_id from events.dead_letters")
        .fetch_one(&mut scene.stage.admin().await)
        .await
        .unwrap();
    let path = format!("/internal/dead-letters/{id}/replay");
    scene.operator().post(&path, json!({})).await;
    scene.relay().run_dry().await.unwrap();
    assert_eq!(scene.ears["one"].versions("tickets/1"), [1]);
    assert_eq!(scene.ears["other"].versions("tickets/1"), [1]);
}

#[tokio::test]
async fn what_is_refused_again_is_the_same_letter_again() {
    let scene = Scene::new().await;
    let letters = parked(&scene, 1).await;
    let path = format!(
        "/internal/dead-letters/{}/replay",
        letters[0]["id"].as_str().unwrap()
    );
    for _ in 0..2 {
        scene.ear().moods("tickets/1", 1, &[Mood::Poison]);
        scene.operator().post(&path, json!({})).await.expect(202);
        scene.relay().run_dry().await.unwrap();
        let again = list(&scene, "").await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0]["id"], letters[0]["id"]);
        assert_eq!(again[0]["reason"], "ear.notes: not ever");
    }
}

#[tokio::test]
async fn letters_come_in_pages_and_by_tenant() {
    let scene = Scene::new().await;
    let other = scene.stage.tenant("other").await;
    parked(&scene, 5).await;
    let mut seen = Vec::new();
    let mut path = "/internal/dead-letters?limit=2".to_owned();
    loop {
        let page = scene.operator().get(&path).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/internal/dead-letters?limit=2&cursor={cursor}");
        scene
            .operator()
            .get(&format!(
                "/internal/dead-letters?replayed=true&cursor={cursor}"
            ))
            .await
            .refused(400, "invalid_cursor");
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(
        list(&scene, &format!("tenant_id={}", scene.tenant.id))
            .await
            .len(),
        5
    );
    assert!(
        list(&scene, &format!("tenant_id={}", other.id))
            .await
            .is_empty()
    );
    for query in ["tenant_id=x", "limit=0", "replayed=maybe", "what=1"] {
        scene
            .operator()
            .get(&format!("/internal/dead-letters?{query}"))
            .await
            .refused(422, "validation_failed");
    }
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let scene = Scene::new().await;
    let letters = parked(&scene, 1).await;
    let replay = format!(
        "/internal/dead-letters/{}/replay",
        letters[0]["id"].as_str().unwrap()
    );
    let superadmin = scene.stage.superadmin().await;
    for client in [
        scene.stage.stranger(),
        scene.stage.stranger().bearer("x"),
        scene.stage.as_(&scene.tenant.admin),
        scene.stage.as_(&superadmin),
    ] {
        client
            .get("/internal/dead-letters")
            .await
            .refused(401, "unauthenticated");
        client
            .post(&replay, json!({}))
            .await
            .refused(401, "unauthenticated");
    }
    for id in ["x", "019ab1f2-0000-7000-8000-000000000001"] {
        scene
            .operator()
            .post(&format!("/internal/dead-letters/{id}/replay"), json!({}))
            .await
            .refused(404, "not_found");
    }
    assert_eq!(list(&scene, "").await.len(), 1);
}

#[tokio::test]
async fn what_pubsub_gave_up_is_a_letter_like_any_other() {
    let scene = Scene::new().await;
    scene.announce("tickets/a", 1).await;
    scene.relay().run_dry().await.unwrap();
    let mut event = scene.ear().heard.lock().unwrap()[0].clone();
    event.sealed = Some(b"sealed".to_vec());
    let mut body = events::push::wrap(&event, "ear", 1);
    body["message"]["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] = json!("7");
    let path = "/internal/dead-letters";
    scene
        .stage
        .stranger()
        .post(path, body.clone())
        .await
        .refused(401, "unauthenticated");
    assert!(list(&scene, "").await.is_empty());
    // Google brings it twice, too.
    for _ in 0..2 {
        scene.operator().post(path, body.clone()).await.expect(204);
    }
    let letters = list(&scene, "").await;
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (&letters[0]["function"], &letters[0]["attempts"]),
        (&json!("ear"), &json!(7))
    );
    assert!(
        !letters[0].to_string().contains("c2VhbGVk"),
        "what is sealed is not shown"
    );
    assert_eq!(sealed(&scene).await.as_deref(), Some(&b"sealed"[..]));
    // Of no tenant: nobody's, and Google is not asked to bring it again.
    event.tenant = ids::TenantId::at(scene.clock().now());
    let body = events::push::wrap(&event, "ear", 1);
    scene.operator().post(path, body).await.expect(204);
    assert_eq!(list(&scene, "").await.len(), 1);
    scene
        .operator()
        .post(path, json!({"message": {"data": "e30="}}))
        .await
        .refused(422, "validation_failed");
}
