//! A sender that crashes repeatedly.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use notifications::Folder;
use notifications::ids::MessageId;
use serde_json::json;

use crate::Harness;

const MAILS: usize = 200;

#[tokio::test]
async fn each_mail_is_written_exactly_once_despite_crashes() {
    let harness = Harness::new().await;
    // Each event notifies two people.
    for _ in 0..MAILS / 2 {
        let mut event = harness.ticket_created();
        event.data["assigned_to"] = json!(harness.demo.expert.id);
        harness.deliver(&event).await;
    }
    let path = std::env::temp_dir().join(format!("revalenz-crashes-{}", harness.demo.id));
    let folder = Folder::new(&path);
    let mut admin = harness.admin().await;
    let mut random: u64 = 7;
    let mut crashes = 0;
    loop {
        // A fixed sequence of moments that become later, so that a slow machine makes progress. Dropping the future aborts
        // everything in flight.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let moment = Duration::from_micros(5_000 + crashes * 250 + (random >> 33) % 40_000);
        let sender = harness.sender(Arc::new(folder.clone()));
        if tokio::time::timeout(moment, sender.run_once())
            .await
            .is_err()
        {
            crashes += 1;
        }
        // The leases of the crashed sender expire.
        harness.app.clock.advance(Duration::from_secs(31));
        let left: i64 = sqlx::query_scalar(
            "select count(*) from notifications.messages where status = 'queued'",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        if left == 0 {
            break;
        }
        assert!(crashes < 2_000, "{left} messages are left");
    }
    println!("{crashes} crashes");
    assert!(crashes > 20, "{crashes} crashes");
    let messages: Vec<MessageId> =
        sqlx::query_scalar("select message_id from notifications.messages where status = 'sent'")
            .fetch_all(&mut harness.admin().await)
            .await
            .unwrap();
    let files: BTreeSet<_> = folder.list().unwrap().into_iter().collect();
    assert_eq!(files.len(), MAILS);
    assert_eq!(files, messages.into_iter().collect());
    // No file is incomplete.
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
