//! Tries, pauses, and the end of a message.

use std::{sync::Arc, time::Duration};

use db::Db;
use notifications::{MailError, Sender};

use crate::{
    Scene,
    post::{Mood, Post},
    push_to, wrapped,
};

fn later() -> Mood {
    Mood::Fails(MailError::Retry("451 try again later".to_owned()))
}

#[tokio::test]
async fn a_mailer_that_fails_is_tried_again_after_a_pause() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let post = Post::in_moods([later(), Mood::Panics]);
    let sender = scene.sender(post.clone());
    sender.run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 1));
    assert_eq!(message.last_error.as_deref(), Some("451 try again later"));
    // Not before the pause is over.
    scene.stage.clock.advance(Duration::from_secs(7));
    sender.run_once().await.unwrap();
    assert_eq!(scene.message().await.attempts, 1);
    scene.stage.clock.advance(Duration::from_secs(9));
    sender.run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!(message.last_error.as_deref(), Some("the mailer panicked"));
    scene.stage.clock.advance(Duration::from_secs(31));
    sender.run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!(
        (
            message.status.as_str(),
            message.attempts,
            message.last_error
        ),
        ("sent", 3, None)
    );
    post.one();
}

/// Tries once every quarter of an hour, which is the longest pause, for so many hours.
async fn try_for(scene: &Scene, sender: &Sender, hours: u32) {
    for _ in 0..4 * hours {
        sender.run_once().await.unwrap();
        scene.stage.clock.advance(Duration::from_mins(15));
    }
}

#[tokio::test]
async fn a_mail_outlives_an_outage_of_many_hours() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let post = Post::in_moods(std::iter::repeat_n(later(), 4 * 23));
    let sender = scene.sender(post.clone());
    try_for(&scene, &sender, 23).await;
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 92));
    sender.run_once().await.unwrap();
    assert_eq!(scene.message().await.status, "sent");
    post.one();
}

#[tokio::test]
async fn after_a_day_a_message_has_visibly_failed() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let post = Post::in_moods(std::iter::repeat_n(later(), 200));
    let sender = scene.sender(post.clone());
    try_for(&scene, &sender, 24).await;
    assert_eq!(scene.message().await.status, "queued");
    try_for(&scene, &sender, 1).await;
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("failed", 97));
    assert_eq!(message.last_error.as_deref(), Some("451 try again later"));
    assert!(post.taken().is_empty());
}

#[tokio::test]
async fn what_will_never_be_taken_is_tried_once() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let post = Post::in_moods([Mood::Fails(MailError::Refused(
        "550 no such mailbox\0".to_owned(),
    ))]);
    let sender = scene.sender(post.clone());
    assert_eq!(sender.run_once().await.unwrap(), 1);
    scene.stage.clock.advance(Duration::from_hours(1));
    assert_eq!(sender.run_once().await.unwrap(), 0);
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("failed", 1));
    assert_eq!(message.last_error.as_deref(), Some("550 no such mailbox"));
}

#[tokio::test]
async fn one_failing_message_does_not_hold_up_the_others() {
    let scene = Scene::new().await;
    for _ in 0..70 {
        scene.tell(&scene.opened()).await;
    }
    let post = Post::in_moods([later()]);
    scene.sender(post.clone()).run_once().await.unwrap();
    // One batch has 64: what came behind it was sent as well.
    assert!(post.taken().len() > 64, "{} were sent", post.taken().len());
}

#[tokio::test]
async fn several_senders_at_once_send_each_message_once() {
    let scene = Scene::new().await;
    let other = scene.stage.tenant("other").await;
    for number in 0..60 {
        let mut event = scene.opened();
        if number % 2 == 0 {
            event.tenant = other.id;
            event.data["requester_id"] = serde_json::json!(other.customer.id);
        }
        scene.tell(&event).await;
    }
    let post = Post::new();
    // A pool each, as processes have.
    let url = scene.stage.database.login_url("notifications");
    let sender = || {
        Sender::new(
            Db::lazy(&url, 5).unwrap(),
            scene.stage.gate.clone(),
            post.clone(),
        )
    };
    let senders = [sender(), sender(), sender()];
    while scene.queued().await > 0 {
        futures::future::join_all(senders.iter().map(Sender::run_once)).await;
        // A busy machine may have postponed one.
        scene.stage.clock.advance(Duration::from_secs(31));
    }
    let mut ids: Vec<_> = post.taken().iter().map(|mail| mail.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), post.taken().len()), (60, 60));
    let of_other = post
        .taken()
        .iter()
        .filter(|mail| mail.to.1 == "customer@other.example")
        .count();
    assert_eq!(of_other, 30);
}

#[tokio::test]
async fn what_is_consumed_in_this_process_is_sent_at_once_and_stopping_waits_for_it() {
    let scene = Scene::new().await;
    let post = Post::new();
    let sender = scene.sender(post.clone());
    let service = notifications::service(scene.db.clone(), scene.stage.gate.clone());
    let internal = wrapped(&scene.stage, sender.nudged_by(service).internal);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        sender.run(async move { drop(stopped.await) }).await;
    });
    let started = std::time::Instant::now();
    let answer = push_to(&internal, &scene.stage, &scene.opened()).await;
    assert_eq!(answer.status(), 204);
    while post.taken().is_empty() {
        assert!(
            started.elapsed() < Duration::from_millis(1_500),
            "sent by the nudge, not by the next look"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(scene.message().await.status, "sent");
}

#[tokio::test]
async fn who_sends_sees_the_tenant_of_each_message_and_no_other() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let login = scene.stage.database.login_url("notifications");
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&login)
        .await
        .unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from notifications.messages")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(
        seen, 0,
        "without a tenant only the list of identifiers answers"
    );
    let due: i64 =
        sqlx::query_scalar("select count(*) from notifications.due_messages('infinity', 10)")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(due, 1);
}

/// A mail that takes the process with it must not do so for ever.
#[tokio::test]
async fn tries_that_never_came_to_an_end_count_too() {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    scene
        .arrange("update notifications.messages set attempts = 250")
        .await;
    let post: Arc<Post> = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), post.taken().len()), ("failed", 0));
    assert!(message.last_error.unwrap().contains("250 tries"));
}
