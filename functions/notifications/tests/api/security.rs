//! Emails about second factors.

use serde_json::json;

use crate::{Harness, recording_mailer::RecordingMailer};

#[tokio::test]
async fn users_are_notified_of_added_and_removed_factors() {
    let harness = Harness::new().await;
    let user = harness.demo.customer.id;
    for (r#type, language, subject) in [
        (
            "identity.mfa.enabled",
            "en",
            "New second factor for your account at demo",
        ),
        (
            "identity.mfa.disabled",
            "de",
            "Zweiter Faktor bei demo entfernt",
        ),
    ] {
        if language == "de" {
            harness
                .execute("update access.people set locale = 'de' where display_name = 'customer'")
                .await;
        }
        let data = json!({"user_id": user, "method": "totp", "second_factor": true});
        harness.deliver(&harness.event(r#type, data)).await;
        let mailer = RecordingMailer::new();
        harness.sender(mailer.clone()).run_once().await.unwrap();
        let mail = mailer.single();
        assert_eq!(mail.subject, subject);
        let page = "https://api.revalenz.example/account/security";
        assert!(mail.text.contains(page), "{}", mail.text);
        assert!(mail.html.contains("account&#x2f;security"), "{}", mail.html);
    }
}
