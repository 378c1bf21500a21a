//! Emails with a one-time link.

use notifications::MailError;
use serde_json::json;

use crate::{
    Harness,
    recording_mailer::{Failure, RecordingMailer},
};

const TOKEN: &str = "AZrx8m0-fBGOWjsaLD1OX_4";

#[tokio::test]
async fn each_purpose_has_its_own_mail_and_page() {
    let harness = Harness::new().await;
    let user = harness.demo.customer.id;
    for (r#type, purpose, page, subject) in [
        (
            "identity.user.registered",
            "verify_email",
            "verify-email",
            "Confirm your email address",
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
            "Confirm your email address",
        ),
        (
            "identity.password.reset_requested",
            "reset_password",
            "reset-password",
            "Reset your password for demo",
        ),
        (
            "identity.magic_link.requested",
            "magic_link",
            "magic-link",
            "Sign in to demo",
        ),
    ] {
        harness
            .deliver(&harness.link_requested(r#type, purpose, user, TOKEN))
            .await;
        let mailer = RecordingMailer::new();
        harness.sender(mailer.clone()).run_once().await.unwrap();
        let mail = mailer.single();
        assert_eq!(mail.subject, subject);
        let link = format!("https://api.revalenz.example/{page}#token={TOKEN}");
        assert!(mail.text.contains(&link), "{}", mail.text);
        assert!(mail.text.contains(&format!("\n{TOKEN}\n")), "{}", mail.text);
        assert!(mail.html.contains(TOKEN), "{}", mail.html);
    }
}

#[tokio::test]
async fn a_new_address_gets_the_link_and_the_current_one_a_notice() {
    let harness = Harness::new().await;
    let sealed = format!("{TOKEN}\nnew@elsewhere.example");
    let kind = "identity.email.change_requested";
    let user = harness.demo.customer.id;
    let event = harness.link_requested(kind, "change_email", user, &sealed);
    harness.deliver(&event).await;
    // A repeated event has no effect.
    harness.deliver(&event).await;
    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    let mails = mailer.mails();
    assert_eq!(mails.len(), 2);
    let to = |address: &str| mails.iter().find(|mail| mail.to.1 == address).unwrap();
    let link = to("new@elsewhere.example");
    assert_eq!(link.subject, "Confirm your new email address");
    let url = format!("https://api.revalenz.example/change-email#token={TOKEN}\n");
    assert!(link.text.contains(&url), "{}", link.text);
    let notice = to("customer@demo.example");
    assert_eq!(notice.subject, "Your email address is about to change");
    assert!(!notice.text.contains(TOKEN) && !notice.html.contains(TOKEN));
    assert!(!notice.text.contains("elsewhere"), "{}", notice.text);
}

#[tokio::test]
async fn users_are_notified_of_changes_to_their_account() {
    let harness = Harness::new().await;
    harness
        .execute("update access.people set locale = 'de'")
        .await;
    let user = harness.demo.customer.id;
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
            "Firefox, Linux (20. November 2026 um 11:00 Uhr)",
        ),
    ] {
        harness.deliver(&harness.event(kind, data.clone())).await;
        let mailer = RecordingMailer::new();
        harness.sender(mailer.clone()).run_once().await.unwrap();
        let mail = mailer.single();
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
async fn a_token_is_sealed_in_the_database_and_blanked_after_sending() {
    let harness = Harness::new().await;
    let event = harness.link_requested(
        "identity.user.invited",
        "invite",
        harness.demo.customer.id,
        TOKEN,
    );
    harness.deliver(&event).await;
    let rows = || async {
        let query = "select coalesce(string_agg(m::text, ' '), '') from notifications.messages m";
        let text: String = sqlx::query_scalar(query)
            .fetch_one(&mut harness.admin().await)
            .await
            .unwrap();
        text
    };
    let sealed = harness.message().await.sealed.unwrap();
    assert!(
        !sealed
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes())
    );
    assert!(!rows().await.contains(TOKEN));

    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    assert!(mailer.single().text.contains(TOKEN));
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.sealed), ("sent", None));
}

#[tokio::test]
async fn a_token_is_blanked_when_its_mail_fails_or_is_suppressed() {
    let harness = Harness::new().await;
    let user = harness.demo.customer.id;
    harness
        .deliver(&harness.link_requested("identity.user.invited", "invite", user, TOKEN))
        .await;
    let failing =
        RecordingMailer::with_failures([Failure::Error(MailError::Permanent("no".to_owned()))]);
    harness.sender(failing).run_once().await.unwrap();
    let message = harness.message().await;
    assert_eq!((message.status.as_str(), message.sealed), ("failed", None));

    harness.execute("truncate notifications.messages").await;
    harness
        .deliver(&harness.link_requested("identity.user.invited", "invite", user, TOKEN))
        .await;
    harness
        .execute("update access.people set status = 'disabled'")
        .await;
    harness
        .sender(RecordingMailer::new())
        .run_once()
        .await
        .unwrap();
    let message = harness.message().await;
    assert_eq!(
        (message.status.as_str(), message.sealed),
        ("suppressed", None)
    );
}

#[tokio::test]
async fn links_are_sent_regardless_of_their_age() {
    let harness = Harness::new().await;
    let event = harness.link_requested(
        "identity.user.invited",
        "invite",
        harness.demo.customer.id,
        TOKEN,
    );
    harness
        .app
        .clock
        .advance(std::time::Duration::from_hours(100));
    harness.deliver(&event).await;
    assert_eq!(harness.message().await.status, "queued");
}

#[tokio::test]
async fn an_invalid_link_event_is_poison() {
    let harness = Harness::new().await;
    let user = harness.demo.customer.id;
    let valid = harness.link_requested("identity.user.invited", "invite", user, TOKEN);
    let missing = events::Envelope {
        sealed: None,
        ..valid.clone()
    };
    let broken = events::Envelope {
        sealed: Some(vec![1, 2, 3]),
        ..valid.clone()
    };
    let mut unknown = valid.clone();
    unknown.data["purpose"] = json!("unknown_purpose");
    let other = harness.tenant("other").await;
    // Sealed for one tenant, delivered to another.
    let foreign = events::Envelope {
        tenant: other.id,
        ..valid
    };
    for event in [missing, broken, unknown, foreign] {
        assert_eq!(harness.push(&event).await.status(), 422, "{event:?}");
    }
    assert!(harness.messages().await.is_empty());
}
