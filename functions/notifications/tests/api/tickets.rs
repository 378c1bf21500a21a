//! Mails about tickets.

use ids::UserId;
use serde_json::{Value, json};

use crate::{Scene, post::Post};

fn commented(scene: &Scene, author: UserId, visibility: &str) -> Value {
    json!({
        "ticket_id": scene.demo.id, "number": "T-1001", "comment_id": scene.demo.id, "visibility": visibility,
        "requester_id": scene.demo.customer.id, "assigned_to": scene.demo.expert.id,
        "author": {"kind": "user", "id": author},
    })
}

async fn recipients(scene: &Scene) -> Vec<UserId> {
    let mut people: Vec<_> = scene
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
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let post = Post::new();
    assert_eq!(scene.sender(post.clone()).run_once().await.unwrap(), 1);
    let mail = post.one();
    assert_eq!(
        mail.to,
        (
            Some("customer".to_owned()),
            "customer@demo.example".to_owned()
        )
    );
    assert_eq!(mail.subject, "[T-1001] We have received your request");
    assert!(mail.text.starts_with("Hello customer,"), "{}", mail.text);
    let link = format!("https://api.revalenz.example/tickets/{}", scene.demo.id);
    assert!(mail.text.contains(&link), "{}", mail.text);
    assert_eq!(scene.message().await.status, "sent");
}

#[tokio::test]
async fn the_same_event_twice_writes_one_message_and_one_mail() {
    let scene = Scene::new().await;
    let event = scene.opened();
    for _ in 0..3 {
        scene.tell(&event).await;
    }
    // Whoever forgets the inbox still has the key of the message.
    scene.arrange("delete from events.inbox").await;
    scene.tell(&event).await;
    let post = Post::new();
    let sender = scene.sender(post.clone());
    sender.run_once().await.unwrap();
    scene.tell(&event).await;
    assert_eq!(sender.run_once().await.unwrap(), 0);
    assert_eq!(post.taken().len(), 1);
    assert_eq!(scene.message().await.status, "sent");
}

#[tokio::test]
async fn the_assignee_of_a_new_ticket_hears_of_it() {
    let scene = Scene::new().await;
    let mut event = scene.opened();
    event.data["assigned_to"] = json!(scene.demo.expert.id);
    scene.tell(&event).await;
    let messages = scene.messages().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].template, "ticket_assigned");
    assert_eq!(messages[0].address, "expert@demo.example");
    assert_eq!(messages[1].template, "ticket_opened");
}

#[tokio::test]
async fn a_comment_is_told_to_the_others_on_the_ticket() {
    let scene = Scene::new().await;
    let (customer, expert) = (scene.demo.customer.id, scene.demo.expert.id);
    for (author, told) in [
        (customer, vec![expert]),
        (expert, vec![customer]),
        (scene.demo.manager.id, vec![customer, expert]),
    ] {
        scene.arrange("truncate notifications.messages").await;
        let data = commented(&scene, author, "public");
        scene
            .tell(&scene.event("support.ticket.commented", data))
            .await;
        assert_eq!(recipients(&scene).await, {
            let mut told = told;
            told.sort_unstable();
            told
        });
    }
}

#[tokio::test]
async fn an_internal_comment_is_mailed_to_nobody() {
    let scene = Scene::new().await;
    for author in [
        scene.demo.customer.id,
        scene.demo.expert.id,
        scene.demo.manager.id,
    ] {
        let data = commented(&scene, author, "internal");
        scene
            .tell(&scene.event("support.ticket.commented", data))
            .await;
    }
    assert!(scene.messages().await.is_empty());
}

#[tokio::test]
async fn the_language_is_the_recipients_else_the_tenants_else_german() {
    let scene = Scene::new().await;
    for (person, tenant, locale, subject) in [
        ("de-CH", "en", "de", "[T-1001] Ihre Anfrage ist angekommen"),
        (
            "en-GB",
            "de",
            "en",
            "[T-1001] We have received your request",
        ),
        ("fr", "en", "en", "[T-1001] We have received your request"),
        ("fr", "it", "de", "[T-1001] Ihre Anfrage ist angekommen"),
    ] {
        scene.arrange("truncate notifications.messages").await;
        sqlx::query("with t as (update access.tenants set locale = $2 where tenant_id = $3) update access.people set locale = $1 where tenant_id = $3")
            .bind(person)
            .bind(tenant)
            .bind(scene.demo.id)
            .execute(&mut scene.admin().await)
            .await
            .unwrap();
        scene.tell(&scene.opened()).await;
        let message = scene.message().await;
        assert_eq!(
            (message.locale.as_str(), message.subject.as_str()),
            (locale, subject),
            "{person} in {tenant}"
        );
    }
}

#[tokio::test]
async fn mails_come_in_the_name_of_the_organisation() {
    let scene = Scene::new().await;
    sqlx::query("update access.tenants set settings = $1 where tenant_id = $2")
        .bind(json!({"branding": {"name": "Demo GmbH", "colour": "#123456"}, "mail_sender": {"name": "Help desk", "address": "help@demo.example"}}))
        .bind(scene.demo.id)
        .execute(&mut scene.admin().await)
        .await
        .unwrap();
    scene.tell(&scene.opened()).await;
    let post = Post::new();
    let sender = scene
        .sender(post.clone())
        .coming_from("post@revalenz.example".to_owned());
    sender.run_once().await.unwrap();
    let mail = post.one();
    assert_eq!(
        mail.from,
        ("Help desk".to_owned(), "post@revalenz.example".to_owned())
    );
    assert_eq!(mail.reply_to.as_deref(), Some("help@demo.example"));
    assert!(mail.text.ends_with("Demo GmbH"), "{}", mail.text);
    assert!(mail.html.contains("#123456"), "{}", mail.html);
}

#[tokio::test]
async fn what_stands_in_the_way_counts_when_the_mail_would_go_out() {
    let scene = Scene::new().await;
    for (hindrance, reason) in [
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
            "switched the feature off",
        ),
    ] {
        scene
            .arrange("with p as (update access.people set status = 'active'), t as (update access.tenants set status = 'active', features = '{\"support\": true}') select")
            .await;
        scene.arrange("truncate notifications.messages").await;
        scene.tell(&scene.opened()).await;
        scene.arrange(hindrance).await;
        let post = Post::new();
        scene.sender(post.clone()).run_once().await.unwrap();
        assert!(post.taken().is_empty(), "{hindrance}");
        let message = scene.message().await;
        assert_eq!(message.status, "suppressed", "{hindrance}");
        assert!(message.last_error.unwrap().contains(reason), "{hindrance}");
    }
}

#[tokio::test]
async fn old_news_are_kept_and_not_sent() {
    let scene = Scene::new().await;
    let old = scene.opened();
    scene
        .stage
        .clock
        .advance(std::time::Duration::from_hours(73));
    scene.tell(&old).await;
    let message = scene.message().await;
    assert_eq!(
        (message.status.as_str(), message.attempts),
        ("suppressed", 0)
    );
    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    assert!(post.taken().is_empty());
}

#[tokio::test]
async fn a_message_stays_in_its_tenant() {
    let scene = Scene::new().await;
    let other = scene.stage.tenant("other").await;
    // An event of one tenant that names a person of another: nobody is found, nobody is written to.
    let mut event = scene.opened();
    event.data["requester_id"] = json!(other.customer.id);
    scene.tell(&event).await;
    let count: i64 = sqlx::query_scalar("select count(*) from notifications.messages")
        .fetch_one(&mut scene.admin().await)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn an_event_that_says_too_little_is_refused_for_good() {
    let scene = Scene::new().await;
    let event = scene.event(
        "support.ticket.commented",
        json!({"ticket_id": scene.demo.id}),
    );
    assert_eq!(scene.push(&event).await.status(), 422);
    assert!(scene.messages().await.is_empty());
}
