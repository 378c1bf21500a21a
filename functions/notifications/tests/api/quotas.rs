//! Mails about what a tenant has used of its licence.

use serde_json::json;

use crate::{Scene, post::Post};

#[tokio::test]
async fn every_active_admin_is_warned_of_a_quota_in_their_language_and_nobody_else() {
    let scene = Scene::new().await;
    let second = scene
        .stage
        .person(scene.demo.id, "admin", "second@demo.example")
        .await;
    scene
        .stage
        .person(scene.demo.id, "admin", "gone@demo.example")
        .await;
    scene
        .arrange("update access.people set status = 'disabled' where email = 'gone@demo.example'")
        .await;
    scene
        .arrange("update access.people set locale = 'de' where email = 'second@demo.example'")
        .await;
    let data = json!({
        "tenant_id": scene.demo.id, "metric": "llm_tokens", "month": "2026-11", "threshold": 80, "used": 80, "limit": 100,
    });
    let event = scene.event("tenancy.quota.warning", data);
    scene.tell(&event).await;
    scene.tell(&event).await;
    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    let mut mails = post.taken();
    mails.sort_by(|one, other| one.to.1.cmp(&other.to.1));
    let told: Vec<(&str, &str)> = mails
        .iter()
        .map(|mail| (mail.to.1.as_str(), mail.subject.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                scene.demo.admin.email.as_str(),
                "demo: 80 % of a quota used"
            ),
            (
                second.email.as_str(),
                "demo: 80 % eines Kontingents verbraucht"
            ),
        ]
    );
    assert!(mails[0].text.contains("language models (tokens)"));
    assert!(
        mails[1]
            .text
            .contains("https://api.revalenz.example/organisation/usage")
    );
}
