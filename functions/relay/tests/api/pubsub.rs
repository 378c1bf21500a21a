//! What only Pub/Sub can do to us: take nothing for a while.

use std::time::Duration;

use crate::{
    scene::Scene,
    ways::{Journey, Kind, Way},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_google_takes_nothing_changes_go_on_and_all_is_delivered_after() {
    let mut scene = Scene::new().await;
    let (way, _served) = Kind::PubSub.open(&mut scene).await;
    let Way::PubSub(fake) = &way else {
        panic!("another way")
    };
    let journey = Journey::on(&way, &scene);
    fake.be_away(true);
    for version in 1..=5 {
        scene.announce("tickets/a", version).await;
        scene.announce("tickets/b", version).await;
    }
    journey.nudge();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.waiting().await, 10);
    fake.be_away(false);
    journey
        .until(&scene, "select count(*) = 10 from access.usage_events")
        .await;
    for subject in ["tickets/a", "tickets/b"] {
        assert_eq!(scene.ear().versions(subject), [1, 2, 3, 4, 5]);
    }
    journey.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_brings_things_again_and_they_have_one_effect() {
    let mut scene = Scene::new().await;
    let (way, _served) = Kind::PubSub.open(&mut scene).await;
    let Way::PubSub(fake) = &way else {
        panic!("another way")
    };
    let journey = Journey::on(&way, &scene);
    for version in 1..=20 {
        for subject in ["tickets/a", "tickets/b", "tickets/c"] {
            scene.announce(subject, version).await;
        }
    }
    journey
        .until(&scene, "select count(*) >= 60 from access.usage_events")
        .await;
    assert!(fake.pushes() > 60, "some came again");
    assert!(scene.effects("ear").await.values().all(|count| *count == 1));
    for subject in ["tickets/a", "tickets/b", "tickets/c"] {
        assert!(scene.ear().versions(subject).is_sorted());
    }
    journey.end().await;
}
