//! Mails with a link that works once.

use notifications::MailError;
use serde_json::json;

use crate::{
    Scene,
    post::{Mood, Post},
};

const TOKEN: &str = "AZrx8m0-fBGOWjsaLD1OX_4";

#[tokio::test]
async fn each_purpose_has_its_mail_and_its_page() {
    let scene = Scene::new().await;
    let user = scene.demo.customer.id;
    for (r#type, purpose, page, subject) in [
        (
            "identity.user.registered",
            "verify_email",
            "verify-email",
            "Please confirm your address",
        ),
        (
            "identity.user.invited",
            "invite",
            "accept-invite",
            "Invitation to demo",
        ),
        (
            "identity.user.invited",
            "reset_password",
            "reset-password",
            "New password for demo",
        ),
    ] {
        scene
            .tell(&scene.linked(r#type, purpose, user, TOKEN))
            .await;
        let post = Post::new();
        scene.sender(post.clone()).run_once().await.unwrap();
        let mail = post.one();
        assert_eq!(mail.subject, subject);
        let link = format!("https://api.revalenz.example/{page}#token={TOKEN}");
        assert!(mail.text.contains(&link), "{}", mail.text);
        assert!(mail.text.contains(&format!("\n{TOKEN}\n")), "{}", mail.text);
        assert!(mail.html.contains(TOKEN), "{}", mail.html);
    }
}

#[tokio::test]
async fn a_token_is_never_readable_in_the_database_and_gone_after_sending() {
    let scene = Scene::new().await;
    let event = scene.linked(
        "identity.user.invited",
        "invite",
        scene.demo.customer.id,
        TOKEN,
    );
    scene.tell(&event).await;
    let rows = || async {
        let query = "select coalesce(string_agg(m::text, ' '), '') from notifications.messages m";
        let text: String = sqlx::query_scalar(query)
            .fetch_one(&mut scene.admin().await)
            .await
            .unwrap();
        text
    };
    let sealed = scene.message().await.sealed.unwrap();
    assert!(
        !sealed
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes())
    );
    assert!(!rows().await.contains(TOKEN));

    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    assert!(post.one().text.contains(TOKEN));
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.sealed), ("sent", None));
}

#[tokio::test]
async fn a_token_is_gone_too_when_its_mail_has_failed_or_must_not_go_out() {
    let scene = Scene::new().await;
    let user = scene.demo.customer.id;
    scene
        .tell(&scene.linked("identity.user.invited", "invite", user, TOKEN))
        .await;
    let refusing = Post::in_moods([Mood::Fails(MailError::Refused("no".to_owned()))]);
    scene.sender(refusing).run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!((message.status.as_str(), message.sealed), ("failed", None));

    scene.arrange("truncate notifications.messages").await;
    scene
        .tell(&scene.linked("identity.user.invited", "invite", user, TOKEN))
        .await;
    scene
        .arrange("update access.people set status = 'disabled'")
        .await;
    scene.sender(Post::new()).run_once().await.unwrap();
    let message = scene.message().await;
    assert_eq!(
        (message.status.as_str(), message.sealed),
        ("suppressed", None)
    );
}

#[tokio::test]
async fn links_go_out_however_old_they_are() {
    let scene = Scene::new().await;
    let event = scene.linked(
        "identity.user.invited",
        "invite",
        scene.demo.customer.id,
        TOKEN,
    );
    scene
        .stage
        .clock
        .advance(std::time::Duration::from_hours(100));
    scene.tell(&event).await;
    assert_eq!(scene.message().await.status, "queued");
}

#[tokio::test]
async fn a_link_that_cannot_be_opened_is_refused_for_good() {
    let scene = Scene::new().await;
    let user = scene.demo.customer.id;
    let good = scene.linked("identity.user.invited", "invite", user, TOKEN);
    let missing = events::Envelope {
        sealed: None,
        ..good.clone()
    };
    let broken = events::Envelope {
        sealed: Some(vec![1, 2, 3]),
        ..good.clone()
    };
    let mut unknown = good.clone();
    unknown.data["purpose"] = json!("magic_carpet");
    let other = scene.stage.tenant("other").await;
    // Sealed for one tenant, brought to another.
    let stolen = events::Envelope {
        tenant: other.id,
        ..good
    };
    for event in [missing, broken, unknown, stolen] {
        assert_eq!(scene.push(&event).await.status(), 422, "{event:?}");
    }
    assert!(scene.messages().await.is_empty());
}
