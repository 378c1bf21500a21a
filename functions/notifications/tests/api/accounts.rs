//! Emails about access to a user's account by others.

use serde_json::json;

use crate::{Harness, recording_mailer::RecordingMailer};

#[tokio::test]
async fn a_user_is_notified_of_an_impersonation() {
    let harness = Harness::new().await;
    let customer = &harness.demo.customer;
    let data = json!({"user_id": customer.id, "session_id": customer.session, "minutes": 15});
    harness
        .deliver(&harness.event("identity.session.impersonated", data))
        .await;
    let mailer = RecordingMailer::new();
    harness.sender(mailer.clone()).run_once().await.unwrap();
    let mail = mailer.single();
    assert_eq!(mail.subject, "Someone is viewing your account at demo");
    assert_eq!(mail.to.1, customer.email);
    assert!(
        mail.text
            .contains("https://api.revalenz.example/account/activity"),
        "{}",
        mail.text
    );
}
