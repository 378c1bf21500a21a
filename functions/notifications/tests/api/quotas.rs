//! Emails about the quotas of a tenant.

use serde_json::json;

use crate::{Harness, recording_mailer::RecordingMailer};

#[tokio::test]
async fn only_active_admins_are_warned_of_a_quota_in_their_language() {
    let harness = Harness::new().await;
    let second = harness
        .app
        .person(harness.demo.id, "admin", "second@demo.example")
        .await;
    harness
        .app
        .person(harness.demo.id, "admin", "disabled@demo.example")
        .await;
    harness
        .execute(
            "update access.people set status = 'disabled' where email = 'disabled@demo.example'",
        )
        .await;
    harness
        .execute("update access.people set locale = 'de' where email = 'second@demo.example'")
        .await;
    let data = json!({
        "tenant_id": harness.demo.id, "metric": "llm_tokens", "month": "2026-11", "threshold": 80, "used": 80, "limit": 100,
    });
    let event = harness.event("tenancy.quota.warning", data);
    harness.deliver(&event).await;
    harness.deliver(&event).await;
    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    let mut mails = mailer.mails();
    mails.sort_by(|one, other| one.to.1.cmp(&other.to.1));
    let subjects: Vec<(&str, &str)> = mails
        .iter()
        .map(|mail| (mail.to.1.as_str(), mail.subject.as_str()))
        .collect();
    assert_eq!(
        subjects,
        [
            (
                harness.demo.admin.email.as_str(),
                "demo: 80% of a quota used"
            ),
            (
                second.email.as_str(),
                "demo: 80 % eines Kontingents verbraucht"
            ),
        ]
    );
    assert!(mails[0].text.contains("language model tokens"));
    assert!(
        mails[1]
            .text
            .contains("https://api.revalenz.example/organisation/usage")
    );
}
