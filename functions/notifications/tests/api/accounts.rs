//! Mails about what others do with a person's account.

use serde_json::json;

use crate::{Scene, post::Post};

#[tokio::test]
async fn whose_account_is_looked_at_hears_of_it() {
    let scene = Scene::new().await;
    let customer = &scene.demo.customer;
    let data = json!({"user_id": customer.id, "session_id": customer.session, "minutes": 15});
    scene
        .tell(&scene.event("identity.session.impersonated", data))
        .await;
    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    let mail = post.one();
    assert_eq!(mail.subject, "Somebody is looking at your account at demo");
    assert_eq!(mail.to.1, customer.email);
    assert!(
        mail.text
            .contains("https://api.revalenz.example/account/activity"),
        "{}",
        mail.text
    );
}
