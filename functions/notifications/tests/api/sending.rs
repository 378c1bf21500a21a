//! Attempts, backoff, and final states of a message.

use std::{sync::Arc, time::Duration};

use db::Db;
use notifications::{MailError, Sender};

use crate::{
    Harness, push_to,
    recording_mailer::{Failure, RecordingMailer},
    with_edge,
};

fn temporary_failure() -> Failure {
    Failure::Error(MailError::Transient("451 try again later".to_owned()))
}

#[tokio::test]
async fn a_failed_message_is_retried_after_a_backoff() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::with_failures([temporary_failure(), Failure::Panic]);
    let sender = harness.sender(mailer.clone());
    sender.run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 1));
    assert_eq!(message.last_error.as_deref(), Some("451 try again later"));
    // Not before the backoff is over.
    harness.app.clock.advance(Duration::from_secs(7));
    sender.run_once().await.unwrap();
    assert_eq!(harness.message().await.attempts, 1);
    harness.app.clock.advance(Duration::from_secs(9));
    sender.run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!(message.last_error.as_deref(), Some("the mailer panicked"));
    harness.app.clock.advance(Duration::from_secs(31));
    sender.run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!(
        (
            message.status.as_str(),
            message.attempts,
            message.last_error
        ),
        ("sent", 3, None)
    );
    mailer.single();
}

/// Makes an attempt every quarter of an hour, the maximum backoff, for this many hours.
async fn run_for(harness: &Harness, sender: &Sender, hours: u32) {
    for _ in 0..4 * hours {
        sender.run_once().await.unwrap();
        harness.app.clock.advance(Duration::from_mins(15));
    }
}

#[tokio::test]
async fn a_message_survives_an_outage_of_many_hours() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::with_failures(std::iter::repeat_n(temporary_failure(), 4 * 23));
    let sender = harness.sender(mailer.clone());
    run_for(&harness, &sender, 23).await;
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("queued", 92));
    sender.run_once().await.unwrap();
    assert_eq!(harness.message().await.status, "sent");
    mailer.single();
}

#[tokio::test]
async fn a_message_fails_after_a_day_of_retries() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::with_failures(std::iter::repeat_n(temporary_failure(), 200));
    let sender = harness.sender(mailer.clone());
    run_for(&harness, &sender, 24).await;
    assert_eq!(harness.message().await.status, "queued");
    run_for(&harness, &sender, 1).await;
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("failed", 97));
    assert_eq!(message.last_error.as_deref(), Some("451 try again later"));
    assert!(mailer.mails().is_empty());
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::with_failures([Failure::Error(MailError::Permanent(
        "550 no such mailbox\0".to_owned(),
    ))]);
    let sender = harness.sender(mailer.clone());
    assert_eq!(sender.run_once().await.unwrap(), 1);
    harness.app.clock.advance(Duration::from_hours(1));
    assert_eq!(sender.run_once().await.unwrap(), 0);
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.attempts), ("failed", 1));
    assert_eq!(message.last_error.as_deref(), Some("550 no such mailbox"));
}

#[tokio::test]
async fn a_failing_message_does_not_delay_others() {
    let harness = Harness::new().await;
    for _ in 0..70 {
        harness.deliver(&harness.ticket_created()).await;
    }
    let mailer = RecordingMailer::with_failures([temporary_failure()]);
    harness.sender(mailer.clone()).run_once().await.unwrap();
    // A batch has 64 messages; later ones are sent too.
    assert!(
        mailer.mails().len() > 64,
        "{} were sent",
        mailer.mails().len()
    );
}

#[tokio::test]
async fn parallel_senders_send_each_message_once() {
    let harness = Harness::new().await;
    let other = harness.tenant("other").await;
    for number in 0..60 {
        let mut event = harness.ticket_created();
        if number % 2 == 0 {
            event.tenant = other.id;
            event.data["requester_id"] = serde_json::json!(other.customer.id);
        }
        harness.deliver(&event).await;
    }
    let mailer = RecordingMailer::new();
    // Each sender has its own pool, as in separate processes.
    let url = harness.app.database.login_url("notifications");
    let sender = || {
        Sender::new(
            Db::connect_lazy(&url, 5).unwrap(),
            harness.app.state.clone(),
            mailer.clone(),
        )
    };
    let senders = [sender(), sender(), sender()];
    while harness.count_queued().await > 0 {
        futures::future::join_all(senders.iter().map(Sender::run_once)).await;
        // On a slow machine an attempt may have timed out.
        harness.app.clock.advance(Duration::from_secs(31));
    }
    let mut ids: Vec<_> = mailer.mails().iter().map(|mail| mail.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), mailer.mails().len()), (60, 60));
    let of_other = mailer
        .mails()
        .iter()
        .filter(|mail| mail.to.1 == "customer@other.example")
        .count();
    assert_eq!(of_other, 30);
}

#[tokio::test]
async fn a_consumed_event_is_sent_at_once_and_stop_waits_for_it() {
    let harness = Harness::new().await;
    let mailer = RecordingMailer::new();
    let sender = harness.sender(mailer.clone());
    let service = notifications::service(harness.db.clone(), harness.app.state.clone());
    let internal = with_edge(&harness.app, sender.nudge_after_events(service).internal);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        sender.run(async move { drop(stopped.await) }).await;
    });
    let started = std::time::Instant::now();
    let response = push_to(&internal, &harness.app, &harness.ticket_created()).await;
    assert_eq!(response.status(), 204);
    while mailer.mails().is_empty() {
        assert!(
            started.elapsed() < Duration::from_millis(1_500),
            "sent by the nudge, not by the next poll"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(harness.message().await.status, "sent");
}

#[tokio::test]
async fn the_login_sees_due_identifiers_but_no_rows_without_a_tenant() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let login = harness.app.database.login_url("notifications");
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&login)
        .await
        .unwrap();
    let visible: i64 = sqlx::query_scalar("select count(*) from notifications.messages")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(
        visible, 0,
        "without a tenant only due identifiers are visible"
    );
    let due: i64 =
        sqlx::query_scalar("select count(*) from notifications.due_messages('infinity', 10)")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(due, 1);
}

/// A message that crashes its sender must not do so forever.
#[tokio::test]
async fn attempts_without_a_result_are_limited() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    harness
        .execute("update notifications.messages set attempts = 250")
        .await;
    let mailer: Arc<RecordingMailer> = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!(
        (message.status.as_str(), mailer.mails().len()),
        ("failed", 0)
    );
    assert!(message.last_error.unwrap().contains("250 attempts"));
}
