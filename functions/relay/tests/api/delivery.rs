//! An announcement reaches whoever listens, and has its effect once.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn an_announcement_arrives_as_it_was_written_and_what_was_sealed_is_blanked() {
    let scene = Scene::new().await;
    let announced = [("tickets/1".to_owned(), 7)];
    let ids = scene
        .announce_all(scene.tenant.id, &announced, Some(b"secret"))
        .await;
    assert_eq!(scene.relay().run_dry().await.unwrap(), 1);
    let heard = scene.ear().heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 1);
    let event = &heard[0];
    assert_eq!(
        (event.id, event.tenant, event.version),
        (ids[0], scene.tenant.id, 7)
    );
    assert_eq!(
        (event.subject.as_str(), event.source.as_str()),
        ("tickets/1", "/support")
    );
    assert_eq!(event.data, json!({"version": 7}));
    assert_eq!(event.sealed.as_deref(), Some(&b"secret"[..]));
    assert_eq!(event.time, scene.clock().now());
    let (sealed, published): (Option<Vec<u8>>, bool) =
        sqlx::query_as("select sealed, published_at is not null from events.outbox")
            .fetch_one(&mut scene.stage.admin().await)
            .await
            .unwrap();
    assert_eq!((sealed, published), (None, true));
}

#[tokio::test]
async fn what_nobody_listens_to_is_settled_too() {
    let scene = Scene::of(&[]).await;
    scene.announce("tickets/1", 1).await;
    scene.relay().run_dry().await.unwrap();
    assert_eq!(scene.waiting().await, 0);
    assert_eq!(scene.carried.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn two_functions_get_one_event_each() {
    let scene = Scene::of(&["one", "other"]).await;
    scene.announce("tickets/1", 1).await;
    scene.relay().run_dry().await.unwrap();
    for name in ["one", "other"] {
        assert_eq!(scene.effects(name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn two_relays_beside_each_other_carry_everything_once() {
    let scene = Scene::new().await;
    let all: Vec<(String, i64)> = (0..300)
        .map(|n| (format!("tickets/{}", n % 60), n))
        .collect();
    scene.announce_all(scene.tenant.id, &all, None).await;
    let (one, other) = (scene.relay(), scene.relay());
    let (carried_by_one, carried_by_other) = tokio::join!(one.run_dry(), other.run_dry());
    let (carried_by_one, carried_by_other) = (carried_by_one.unwrap(), carried_by_other.unwrap());
    // Either may find nothing for a moment while the other has it all.
    let rest = scene.relay().run_dry().await.unwrap();
    assert_eq!(carried_by_one + carried_by_other + rest, 300);
    assert_eq!(scene.carried.load(Ordering::SeqCst), 300);
    let effects = scene.effects("ear").await;
    assert_eq!(effects.len(), 300);
    assert!(effects.values().all(|count| *count == 1));
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn tenants_do_not_wait_for_each_other_and_stay_apart() {
    let scene = Scene::new().await;
    let other = scene.stage.tenant("other").await;
    let same = [("tickets/1".to_owned(), 1)];
    scene.announce_all(scene.tenant.id, &same, None).await;
    scene.announce_all(other.id, &same, None).await;
    // One look is enough for both: the same subject in two tenants is two aggregates.
    assert_eq!(scene.relay().run_once().await.unwrap(), 2);
    let tenants: Vec<ids::TenantId> =
        sqlx::query_scalar("select tenant_id from access.usage_events order by tenant_id")
            .fetch_all(&mut scene.stage.admin().await)
            .await
            .unwrap();
    let mut expected = vec![scene.tenant.id, other.id];
    expected.sort_unstable();
    assert_eq!(tenants, expected);
}
