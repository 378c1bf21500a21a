//! Mails to admins about their organisation, and what still goes out when it is suspended.

use serde_json::json;

use crate::{Scene, post::Post};

#[tokio::test]
async fn admins_hear_of_keys_and_domains_in_their_language_and_nobody_else_does() {
    let scene = Scene::new().await;
    let key = "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f";
    sqlx::query(
        "insert into access.api_keys (tenant_id, api_key_id, name, secret_hash, scopes, created_by_kind, created_at, updated_at)
        values ($1, $2::uuid, 'Sheets <export>', sha256(''), '{}', 'system', $3, $3)",
    )
    .bind(scene.demo.id)
    .bind(key)
    .bind(scene.stage.clock.now())
    .execute(&mut scene.admin().await)
    .await
    .unwrap();
    let ends = json!({"api_key_id": key, "expires_at": "2026-12-01T08:30:00Z"});
    let failing = json!({"domain_id": key, "host": "app.demo.example", "released_at": "2026-11-27T04:50:00Z"});
    let released = json!({"domain_id": key, "host": "app.demo.example", "why": "proof_missing"});
    for (kind, data, language, subject, said) in [
        (
            "api_key.expiring",
            &ends,
            "en",
            "An API key ends soon",
            "“Sheets <export>” of demo ends on 2026-12-01 08:30 UTC",
        ),
        (
            "domain.failing",
            &failing,
            "de",
            "Nachweis für eine Domain fehlt",
            "Fehlt er am 2026-11-27 04:50 UTC noch immer",
        ),
        (
            "domain.released",
            &released,
            "de",
            "Eine Domain wurde entfernt",
            "Seit 2026-11-20 10:00 UTC",
        ),
    ] {
        if language == "de" {
            scene
                .arrange("update access.people set locale = 'de' where display_name = 'admin'")
                .await;
        }
        scene
            .tell(&scene.event(&format!("tenancy.{kind}"), data.clone()))
            .await;
        let post = Post::new();
        scene.sender(post.clone()).run_once().await.unwrap();
        let mail = post.one();
        assert_eq!(mail.to.1, scene.demo.admin.email);
        assert_eq!(mail.subject, subject);
        assert!(mail.text.contains(said), "{}", mail.text);
        assert!(!mail.html.contains("<export>"), "{}", mail.html);
    }
}

#[tokio::test]
async fn whoever_let_go_of_a_domain_or_revoked_a_key_needs_no_mail() {
    let scene = Scene::new().await;
    let gone = json!({"domain_id": scene.demo.id, "host": "app.demo.example", "why": "given_up"});
    scene
        .tell(&scene.event("tenancy.domain.released", gone))
        .await;
    let revoked = json!({"api_key_id": scene.demo.id, "expires_at": "2026-12-01T08:30:00Z"});
    scene
        .tell(&scene.event("tenancy.api_key.expiring", revoked))
        .await;
    assert!(scene.messages().await.is_empty());
}

#[tokio::test]
async fn of_a_suspended_tenant_only_what_is_about_accounts_goes_out_and_the_rest_is_dropped_for_good()
 {
    let scene = Scene::new().await;
    scene.tell(&scene.opened()).await;
    let changed = json!({"user_id": scene.demo.customer.id});
    scene
        .tell(&scene.event("identity.password.changed", changed))
        .await;
    scene
        .arrange("update access.tenants set status = 'suspended' where slug = 'demo'")
        .await;
    let post = Post::new();
    scene.sender(post.clone()).run_once().await.unwrap();
    assert_eq!(post.taken().len(), 1);
    let messages = scene.messages().await;
    let became = |template: &str| {
        let message = messages.iter().find(|message| message.template == template);
        message.map(|message| message.status.clone()).unwrap()
    };
    assert_eq!(became("password_changed"), "sent");
    assert_eq!(became("ticket_opened"), "suppressed");
    scene
        .arrange("update access.tenants set status = 'active' where slug = 'demo'")
        .await;
    scene.sender(post.clone()).run_once().await.unwrap();
    assert_eq!(post.taken().len(), 1, "what was dropped stays dropped");
}
