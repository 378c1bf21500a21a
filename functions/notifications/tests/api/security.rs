//! Mails that warn.

use serde_json::json;

use crate::{Scene, post::Post};

#[tokio::test]
async fn whoever_has_one_factor_more_or_fewer_hears_of_it() {
    let scene = Scene::new().await;
    let user = scene.demo.customer.id;
    for (r#type, language, subject) in [
        ("identity.mfa.enabled", "en", "New second factor for demo"),
        (
            "identity.mfa.disabled",
            "de",
            "Zweiter Faktor entfernt bei demo",
        ),
    ] {
        if language == "de" {
            scene
                .arrange("update access.people set locale = 'de' where display_name = 'customer'")
                .await;
        }
        let data = json!({"user_id": user, "method": "totp", "second_factor": true});
        scene.tell(&scene.event(r#type, data)).await;
        let post = Post::new();
        scene.sender(post.clone()).run_once().await.unwrap();
        let mail = post.one();
        assert_eq!(mail.subject, subject);
        let page = "https://api.revalenz.example/account/security";
        assert!(mail.text.contains(page), "{}", mail.text);
        assert!(mail.html.contains("account&#x2f;security"), "{}", mail.html);
    }
}
