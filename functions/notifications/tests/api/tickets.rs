//! Emails about tickets.

use ids::UserId;
use serde_json::{Value, json};

use crate::{Harness, recording_mailer::RecordingMailer};

fn commented(harness: &Harness, author: UserId, visibility: &str) -> Value {
    json!({
        "ticket_id": harness.demo.id, "number": "T-1001", "comment_id": harness.demo.id, "visibility": visibility,
        "requester_id": harness.demo.customer.id, "assigned_to": harness.demo.expert.id,
        "author": {"kind": "user", "id": author},
    })
}

async fn recipients(harness: &Harness) -> Vec<UserId> {
    let mut people: Vec<_> = harness
        .messages()
        .await
        .iter()
        .map(|message| message.recipient_id)
        .collect();
    people.sort_unstable();
    people
}

#[tokio::test]
async fn a_new_ticket_is_confirmed_to_its_requester() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::new();
    assert_eq!(harness.sender(mailer.clone()).run_once().await.unwrap(), 1);
    let mail = mailer.single();
    assert_eq!(
        mail.to,
        (
            Some("customer".to_owned()),
            "customer@demo.example".to_owned()
        )
    );
    assert_eq!(mail.subject, "[T-1001] We have received your request");
    assert!(mail.text.starts_with("Hello customer,"), "{}", mail.text);
    let link = format!("https://api.revalenz.example/tickets/{}", harness.demo.id);
    assert!(mail.text.contains(&link), "{}", mail.text);
    assert_eq!(harness.message().await.status, "sent");
}

#[tokio::test]
async fn a_repeated_event_causes_one_message_and_one_mail() {
    let harness = Harness::new().await;
    let event = harness.ticket_created();
    for _ in 0..3 {
        harness.deliver(&event).await;
    }
    // Without the inbox row, the message's key prevents a duplicate.
    harness.execute("delete from events.inbox").await;
    harness.deliver(&event).await;
    let mailer = RecordingMailer::new();
    let sender = harness.sender(mailer.clone());
    sender.run_once().await.unwrap();
    harness.deliver(&event).await;
    assert_eq!(sender.run_once().await.unwrap(), 0);
    assert_eq!(mailer.mails().len(), 1);
    assert_eq!(harness.message().await.status, "sent");
}

#[tokio::test]
async fn the_assignee_is_notified_of_a_new_ticket() {
    let harness = Harness::new().await;
    let mut event = harness.ticket_created();
    event.data["assigned_to"] = json!(harness.demo.expert.id);
    harness.deliver(&event).await;
    let messages = harness.messages().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].template, "ticket_assigned");
    assert_eq!(messages[0].address, "expert@demo.example");
    assert_eq!(messages[1].template, "ticket_opened");
}

#[tokio::test]
async fn a_comment_is_sent_to_the_others_on_the_ticket() {
    let harness = Harness::new().await;
    let (customer, expert) = (harness.demo.customer.id, harness.demo.expert.id);
    for (author, expected) in [
        (customer, vec![expert]),
        (expert, vec![customer]),
        (harness.demo.manager.id, vec![customer, expert]),
    ] {
        harness.execute("truncate notifications.messages").await;
        let data = commented(&harness, author, "public");
        harness
            .deliver(&harness.event("support.ticket.commented", data))
            .await;
        assert_eq!(recipients(&harness).await, {
            let mut expected = expected;
            expected.sort_unstable();
            expected
        });
    }
}

#[tokio::test]
async fn an_internal_comment_causes_no_mail() {
    let harness = Harness::new().await;
    for author in [
        harness.demo.customer.id,
        harness.demo.expert.id,
        harness.demo.manager.id,
    ] {
        let data = commented(&harness, author, "internal");
        harness
            .deliver(&harness.event("support.ticket.commented", data))
            .await;
    }
    assert!(harness.messages().await.is_empty());
}

#[tokio::test]
async fn the_language_is_that_of_the_recipient_or_tenant_or_german() {
    let harness = Harness::new().await;
    for (person, tenant, locale, subject) in [
        (
            "de-CH",
            "en",
            "de",
            "[T-1001] Wir haben Ihre Anfrage erhalten",
        ),
        (
            "en-GB",
            "de",
            "en",
            "[T-1001] We have received your request",
        ),
        ("fr", "en", "en", "[T-1001] We have received your request"),
        ("fr", "it", "de", "[T-1001] Wir haben Ihre Anfrage erhalten"),
    ] {
        harness.execute("truncate notifications.messages").await;
        sqlx::query("with t as (update access.tenants set locale = $2 where tenant_id = $3) update access.people set locale = $1 where tenant_id = $3")
            .bind(person)
            .bind(tenant)
            .bind(harness.demo.id)
            .execute(&mut harness.admin().await)
            .await
            .unwrap();
        harness.deliver(&harness.ticket_created()).await;
        let message = harness.message().await;
        assert_eq!(
            (message.locale.as_str(), message.subject.as_str()),
            (locale, subject),
            "{person} in {tenant}"
        );
    }
}

#[tokio::test]
async fn mails_have_the_branding_of_the_organisation() {
    let harness = Harness::new().await;
    sqlx::query("update access.tenants set settings = $1 where tenant_id = $2")
        .bind(json!({"branding": {"name": "Demo GmbH", "colour": "#123456"}, "mail_sender": {"name": "Help desk", "address": "help@demo.example"}}))
        .bind(harness.demo.id)
        .execute(&mut harness.admin().await)
        .await
        .unwrap();
    harness.deliver(&harness.ticket_created()).await;
    let mailer = RecordingMailer::new();
    let sender = harness
        .sender(mailer.clone())
        .with_from_address("post@revalenz.example".to_owned());
    sender.run_once().await.unwrap();
    let mail = mailer.single();
    assert_eq!(
        mail.from,
        ("Help desk".to_owned(), "post@revalenz.example".to_owned())
    );
    assert_eq!(mail.reply_to.as_deref(), Some("help@demo.example"));
    assert!(mail.text.ends_with("Demo GmbH"), "{}", mail.text);
    assert!(mail.html.contains("#123456"), "{}", mail.html);
}

#[tokio::test]
async fn suppression_is_checked_when_the_mail_is_sent() {
    let harness = Harness::new().await;
    for (change, reason) in [
        (
            "update access.people set status = 'disabled'",
            "account is disabled",
        ),
        (
            "update access.tenants set status = 'suspended'",
            "suspended or closing",
        ),
        (
            "update access.tenants set features = '{\"support\": false}'",
            "disabled the feature",
        ),
    ] {
        harness
            .execute("with p as (update access.people set status = 'active'), t as (update access.tenants set status = 'active', features = '{\"support\": true}') select")
            .await;
        harness.execute("truncate notifications.messages").await;
        harness.deliver(&harness.ticket_created()).await;
        harness.execute(change).await;
        let mailer = RecordingMailer::new();
        harness.sender(mailer.clone()).run_once().await.unwrap();
        assert!(mailer.mails().is_empty(), "{change}");
        let message = harness.message().await;
        assert_eq!(message.status, "suppressed", "{change}");
        assert!(message.last_error.unwrap().contains(reason), "{change}");
    }
}

#[tokio::test]
async fn messages_about_old_events_are_suppressed() {
    let harness = Harness::new().await;
    let old = harness.ticket_created();
    harness
        .app
        .clock
        .advance(std::time::Duration::from_hours(73));
    harness.deliver(&old).await;
    let message = harness.message().await;
    assert_eq!(
        (message.status.as_str(), message.attempts),
        ("suppressed", 0)
    );
    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    assert!(mailer.mails().is_empty());
}

#[tokio::test]
async fn a_message_stays_in_its_tenant() {
    let harness = Harness::new().await;
    let other = harness.tenant("other").await;
    // An event of one tenant that names a user of another notifies no one.
    let mut event = harness.ticket_created();
    event.data["requester_id"] = json!(other.customer.id);
    harness.deliver(&event).await;
    let count: i64 = sqlx::query_scalar("select count(*) from notifications.messages")
        .fetch_one(&mut harness.admin().await)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn an_incomplete_event_is_poison() {
    let harness = Harness::new().await;
    let event = harness.event(
        "support.ticket.commented",
        json!({"ticket_id": harness.demo.id}),
    );
    assert_eq!(harness.push(&event).await.status(), 422);
    assert!(harness.messages().await.is_empty());
}
