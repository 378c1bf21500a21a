//! More concurrent sign-ins than the server can hash.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use access::AppState;
use db::Db;
use identity::config::Settings;
use serde_json::json;
use testkit::TestApp;
use web::Service;

/// One hash at a time, and a short queue.
fn with_one_hash(db: Db, state: AppState) -> Service {
    let settings = Settings {
        max_concurrent_hashes: 1,
        max_queued_hashes: 64,
        ..Settings::default()
    };
    identity::service_with(db, state, settings)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_concurrent_sign_ins_do_not_block_other_requests() {
    let app = TestApp::new(&[("identity", with_one_hash)]).await;
    let tenant = app.tenant("demo").await;
    let user = app.as_user(&tenant.customer);
    user.get("/api/v1/auth/status").await.expect(200);
    let running = Arc::new(AtomicUsize::new(500));
    let logins: Vec<_> = (0..500)
        .map(|number| {
            let (client, running) = (app.anonymous(), running.clone());
            let email = format!("p{number}@demo.example");
            let body = json!({"tenant": "demo", "email": email, "password": "wrong horse battery"});
            tokio::spawn(async move {
                let answer = client.post("/api/v1/auth/login", body).await;
                running.fetch_sub(1, Ordering::AcqRel);
                answer
            })
        })
        .collect();
    let mut answered_meanwhile = 0;
    while running.load(Ordering::Acquire) > 0 {
        user.get("/api/v1/auth/status").await.expect(200);
        answered_meanwhile += usize::from(running.load(Ordering::Acquire) > 0);
    }
    assert!(answered_meanwhile > 0, "the flood was over too soon");
    let (mut hashed, mut shed) = (0, 0);
    for login in logins {
        let answer = login.await.unwrap();
        if answer.status == 401 {
            hashed += 1;
        } else {
            assert!(!answer.header("retry-after").is_empty());
            answer.expect_problem(503, "unavailable");
            shed += 1;
        }
    }
    // At most 64 requests wait, and one holds a permit and a connection: the others are refused.
    assert!(hashed >= 1 && shed >= 100, "{hashed} hashed, {shed} shed");
}
