//! Emails to admins about their organisation, and emails of a suspended organisation.

use serde_json::json;

use crate::{Harness, recording_mailer::RecordingMailer};

#[tokio::test]
async fn only_admins_are_notified_of_keys_and_domains_in_their_language() {
    let harness = Harness::new().await;
    let key = "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f";
    sqlx::query(
        "insert into access.api_keys (tenant_id, api_key_id, name, secret_hash, scopes, created_by_kind, created_at, updated_at)
        values ($1, $2::uuid, 'Sheets <export>', sha256(''), '{}', 'system', $3, $3)",
    )
    .bind(harness.demo.id)
    .bind(key)
    .bind(harness.app.clock.now())
    .execute(&mut harness.admin().await)
    .await
    .unwrap();
    let expiring = json!({"api_key_id": key, "expires_at": "2026-12-01T08:30:00Z"});
    let failing = json!({"domain_id": key, "host": "app.demo.example", "released_at": "2026-11-27T04:50:00Z"});
    let released = json!({"domain_id": key, "host": "app.demo.example", "why": "proof_missing"});
    for (kind, data, language, subject, sentence) in [
        (
            "api_key.expiring",
            &expiring,
            "en",
            "An API key expires soon",
            "“Sheets <export>” of demo expires on 1 December 2026 at 09:30 CET",
        ),
        (
            "domain.failing",
            &failing,
            "de",
            "Der Nachweis für eine Domain fehlt",
            "Fehlt er am 27. November 2026 um 05:50 Uhr noch immer",
        ),
        (
            "domain.released",
            &released,
            "de",
            "Eine Domain wurde entfernt",
            "am 20. November 2026 um 11:00 Uhr entfernt",
        ),
    ] {
        if language == "de" {
            harness
                .execute("update access.people set locale = 'de' where display_name = 'admin'")
                .await;
        }
        harness
            .deliver(&harness.event(&format!("tenancy.{kind}"), data.clone()))
            .await;
        let mailer = RecordingMailer::new();
        harness.sender(mailer.clone()).run_once().await.unwrap();
        let mail = mailer.single();
        assert_eq!(mail.to.1, harness.demo.admin.email);
        assert_eq!(mail.subject, subject);
        assert!(mail.text.contains(sentence), "{}", mail.text);
        assert!(!mail.html.contains("<export>"), "{}", mail.html);
    }
}

#[tokio::test]
async fn a_removed_domain_and_a_revoked_key_cause_no_mail() {
    let harness = Harness::new().await;
    let removed =
        json!({"domain_id": harness.demo.id, "host": "app.demo.example", "why": "given_up"});
    harness
        .deliver(&harness.event("tenancy.domain.released", removed))
        .await;
    let revoked = json!({"api_key_id": harness.demo.id, "expires_at": "2026-12-01T08:30:00Z"});
    harness
        .deliver(&harness.event("tenancy.api_key.expiring", revoked))
        .await;
    assert!(harness.messages().await.is_empty());
}

#[tokio::test]
async fn a_suspended_tenant_gets_only_account_mails_and_others_stay_suppressed() {
    let harness = Harness::new().await;
    harness.deliver(&harness.ticket_created()).await;
    let changed = json!({"user_id": harness.demo.customer.id});
    harness
        .deliver(&harness.event("identity.password.changed", changed))
        .await;
    harness
        .execute("update access.tenants set status = 'suspended' where slug = 'demo'")
        .await;
    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    assert_eq!(mailer.mails().len(), 1);
    let messages = harness.messages().await;
    let status_of = |template: &str| {
        let message = messages.iter().find(|message| message.template == template);
        message.map(|message| message.status.clone()).unwrap()
    };
    assert_eq!(status_of("password_changed"), "sent");
    assert_eq!(status_of("ticket_opened"), "suppressed");
    harness
        .execute("update access.tenants set status = 'active' where slug = 'demo'")
        .await;
    harness.sender(mailer.clone()).run_once().await.unwrap();
    assert_eq!(
        mailer.mails().len(),
        1,
        "suppressed messages stay suppressed"
    );
}
