//! A sender that is killed again and again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ids::MessageId;
use notifications::Folder;
use serde_json::json;

use crate::Scene;

const MAILS: usize = 200;

#[tokio::test]
async fn whenever_the_sender_dies_each_mail_is_there_exactly_once() {
    let scene = Scene::new().await;
    // Each goes to two people.
    for _ in 0..MAILS / 2 {
        let mut event = scene.opened();
        event.data["assigned_to"] = json!(scene.demo.expert.id);
        scene.tell(&event).await;
    }
    let path = std::env::temp_dir().join(format!("revalenz-killed-{}", scene.demo.id));
    let folder = Folder::new(&path);
    let mut admin = scene.admin().await;
    let mut chance: u64 = 7;
    let mut killed = 0;
    loop {
        // A fixed sequence of moments, in time later ones: a busy machine gets somewhere too. Dropping the future is the
        // death of everything that it had begun.
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_micros(5_000 + killed * 250 + (chance >> 33) % 40_000);
        let sender = scene.sender(Arc::new(folder.clone()));
        if tokio::time::timeout(moment, sender.run_once())
            .await
            .is_err()
        {
            killed += 1;
        }
        // What died held its messages for a while.
        scene.stage.clock.advance(Duration::from_secs(31));
        let left: i64 = sqlx::query_scalar(
            "select count(*) from notifications.messages where status = 'queued'",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        if left == 0 {
            break;
        }
        assert!(killed < 2_000, "{left} are left");
    }
    println!("killed {killed} times");
    assert!(killed > 20, "killed {killed} times");
    let messages: Vec<MessageId> =
        sqlx::query_scalar("select message_id from notifications.messages where status = 'sent'")
            .fetch_all(&mut scene.admin().await)
            .await
            .unwrap();
    let files: BTreeSet<_> = folder.list().unwrap().into_iter().collect();
    assert_eq!(files.len(), MAILS);
    assert_eq!(files, messages.into_iter().collect());
    // Nothing half written is taken for a mail.
    for id in files {
        let mail = folder.read(id).unwrap().unwrap();
        assert!(
            mail.ends_with(b"--\r\n"),
            "{}",
            String::from_utf8_lossy(&mail)
        );
    }
    std::fs::remove_dir_all(path).unwrap();
}
