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
            "identity.email.verification_requested",
            "verify_email",
            "verify-email",
            "Please confirm your address",
        ),
        (
            "identity.password.reset_requested",
            "reset_password",
            "reset-password",
            "New password for demo",
        ),
        (
            "identity.magic_link.requested",
            "magic_link",
            "magic-link",
            "Sign in to demo",
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
async fn a_new_address_gets_the_link_and_the_present_one_a_notice() {
    let scene = Scene::new().await;
    let sealed = format!("{TOKEN}\nnew@elsewhere.example");
    let kind = "identity.email.change_requested";
    let user = scene.demo.customer.id;
    let event = scene.linked(kind, "change_email", user, &sealed);
    scene.tell(&event).await;
    // What comes again is taken once.
    scene.tell(&event).await;
    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    let mails = post.taken();
    assert_eq!(mails.len(), 2);
    let to = |address: &str| mails.iter().find(|mail| mail.to.1 == address).unwrap();
    let link = to("new@elsewhere.example");
    assert_eq!(link.subject, "Please confirm your new address");
    let url = format!("https://api.revalenz.example/change-email#token={TOKEN}\n");
    assert!(link.text.contains(&url), "{}", link.text);
    let notice = to("customer@demo.example");
    assert_eq!(notice.subject, "Your account is to get another address");
    assert!(!notice.text.contains(TOKEN) && !notice.html.contains(TOKEN));
    assert!(!notice.text.contains("elsewhere"), "{}", notice.text);
}

#[tokio::test]
async fn what_happened_to_an_account_is_told_to_its_owner() {
    let scene = Scene::new().await;
    scene
        .arrange("update access.people set locale = 'de'")
        .await;
    let user = scene.demo.customer.id;
    let data = json!({"user_id": user, "session_id": user, "device": "Firefox, Linux"});
    for (kind, subject, words) in [
        (
            "identity.password.changed",
            "Ihr Passwort wurde geändert",
            "abgemeldet",
        ),
        (
            "identity.session.new_device",
            "Anmeldung mit einem neuen Gerät",
            "Firefox, Linux (2026-11-20 10:00 UTC)",
        ),
    ] {
        scene.tell(&scene.event(kind, data.clone())).await;
        let post = Post::new();
        scene.sender(post.clone()).run_once().await.unwrap();
        let mail = post.one();
        assert_eq!(mail.subject, subject);
        assert_eq!(mail.to.1, "customer@demo.example");
        assert!(mail.text.contains(words), "{}", mail.text);
        assert!(
            mail.text
                .contains("https://api.revalenz.example/reset-password\n"),
            "{}",
            mail.text
        );
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
