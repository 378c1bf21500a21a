use serde_json::json;
use testkit::TestResponse;

use super::{PASSWORD, count, demo, execute, links};

/// Retries while the database is busy, as a client would.
async fn with_retries<F: Future<Output = TestResponse>>(send: impl Fn() -> F) -> TestResponse {
    loop {
        let answer = send().await;
        if answer.status != 503 {
            return answer;
        }
    }
}

#[tokio::test]
async fn the_last_seat_is_taken_only_once() {
    let (app, tenant) = demo().await;
    execute(
        &app,
        "update access.tenants set max_users = 8 where slug = 'demo'",
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let many = (0..10).map(|number| {
        let body = json!({"email": format!("{number}@new.example"), "name": "New One"});
        let admin = admin.clone();
        async move { with_retries(|| admin.post("/api/v1/users", body.clone())).await }
    });
    let mut statuses: Vec<u16> = Vec::new();
    for answer in futures::future::join_all(many).await {
        statuses.push(answer.status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 2].as_slice(), &[409; 8]].concat());
    assert_eq!(count(&app, "select count(*) from identity.users").await, 8);
}

#[tokio::test]
async fn disabling_frees_a_seat_and_reactivating_takes_one() {
    let (app, tenant) = demo().await;
    execute(
        &app,
        "update access.tenants set max_users = 6 where slug = 'demo'",
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "new@demo.example", "name": "New One"});
    let full = admin
        .post("/api/v1/users", body.clone())
        .await
        .expect_problem(409, "seats_exhausted");
    assert_eq!(full["max_users"], 6);
    let path = format!("/api/v1/users/{}", tenant.customer.id);
    admin.delete(&path).await.expect(204);
    admin.post("/api/v1/users", body).await.expect(201);
    let there = format!("{path}?status=disabled");
    admin
        .put(&there, json!({"status": "active"}))
        .await
        .expect_problem(409, "seats_exhausted");
}

#[tokio::test]
async fn concurrent_ways_to_add_users_respect_the_last_seat() {
    let (app, tenant) = demo().await;
    let admin = app.as_user(&tenant.admin);
    let back = |id: ids::UserId| {
        let (admin, path) = (admin.clone(), format!("/api/v1/users/{id}?status=disabled"));
        async move { with_retries(|| admin.put(&path, json!({"status": "active"}))).await }
    };
    for person in [&tenant.customer, &tenant.customer2] {
        let path = format!("/api/v1/users/{}", person.id);
        admin.delete(&path).await.expect(204);
    }
    // API keys take no seat.
    app.key(tenant.id, &[]).await;
    execute(
        &app,
        "update access.tenants set max_users = 5 where slug = 'demo'",
    )
    .await;
    let invited = |number: i32| {
        let admin = admin.clone();
        let body = json!({"email": format!("{number}@new.example"), "name": "New One"});
        async move { with_retries(|| admin.post("/api/v1/users", body.clone())).await }
    };
    let registered = |number: i32| {
        let stranger = app.anonymous();
        let body = json!({
            "tenant": "demo", "email": format!("{number}@own.example"), "password": PASSWORD,
            "given_name": "New", "family_name": "One",
        });
        async move { with_retries(|| stranger.post("/api/v1/auth/register", body.clone())).await }
    };
    let (one, two, invited_1, invited_2, registered_1) = tokio::join!(
        back(tenant.customer.id),
        back(tenant.customer2.id),
        invited(1),
        invited(2),
        registered(1),
    );
    let statuses = [one, two, invited_1, invited_2, registered_1].map(|answer| {
        let status = answer.status.as_u16();
        if status == 409 {
            answer.expect_problem(409, "seats_exhausted");
        }
        status
    });
    let let_in = statuses.iter().filter(|status| **status < 300).count();
    assert_eq!(let_in, 1, "{statuses:?}");
    let taken =
        "select count(*) from identity.users where status in ('invited', 'active', 'locked')";
    assert_eq!(count(&app, taken).await, 5);
}

#[tokio::test]
async fn seats_follow_a_licence_change_on_time() {
    let (app, tenant) = demo().await;
    execute(
        &app,
        r#"update access.tenants
        set max_users = 7, upcoming = '[
            {"from": "2026-11-20T10:05:00Z", "features": {}, "limits": {}, "max_users": 8},
            {"from": "2026-11-20T10:06:00Z", "features": {}, "limits": {}, "max_users": 6}
        ]'
        where slug = 'demo'"#,
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let invite = async |number: i32| {
        let body = json!({"email": format!("{number}@new.example"), "name": "New One"});
        with_retries(|| admin.post("/api/v1/users", body.clone())).await
    };
    invite(1).await.expect(201);
    let full = invite(2).await.expect_problem(409, "seats_exhausted");
    assert_eq!(full["max_users"], 7);
    app.clock.advance(std::time::Duration::from_mins(5));
    invite(2).await.expect(201);
    app.clock.advance(std::time::Duration::from_mins(1));
    let full = invite(3).await.expect_problem(409, "seats_exhausted");
    assert_eq!(full["max_users"], 6, "more are there, and they stay");
    assert_eq!(count(&app, "select count(*) from identity.users").await, 8);
}

#[tokio::test]
async fn strangers_who_register_take_no_seat_until_they_prove_their_address() {
    let (app, tenant) = demo().await;
    // One seat is free.
    execute(
        &app,
        "update access.tenants set max_users = 7 where slug = 'demo'",
    )
    .await;
    for number in 0..5 {
        let body = json!({
            "tenant": "demo", "email": format!("s{number}@mail.example"), "password": PASSWORD, "name": "Some One",
        });
        app.anonymous()
            .post("/api/v1/auth/register", body)
            .await
            .expect(202);
    }
    let verify = |token: String| {
        let app = &app;
        async move {
            app.anonymous()
                .post("/api/v1/auth/email/verify", json!({"token": token}))
                .await
        }
    };
    let tokens = links(&app, tenant.id, "de.revalenz.identity.user.registered.v1").await;
    verify(tokens[0].clone()).await.expect(200);
    verify(tokens[1].clone())
        .await
        .expect_problem(409, "seats_exhausted");
    execute(
        &app,
        "update access.tenants set max_users = 8 where slug = 'demo'",
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let body = json!({"email": "new@demo.example", "name": "New One"});
    admin.post("/api/v1/users", body).await.expect(201);
    execute(
        &app,
        "update access.tenants set max_users = 9 where slug = 'demo'",
    )
    .await;
    // The link is still good.
    verify(tokens[1].clone()).await.expect(200);
}

#[tokio::test]
async fn an_invitation_holds_its_seat_until_it_expires() {
    let (app, tenant) = demo().await;
    execute(
        &app,
        "update access.tenants set max_users = 7 where slug = 'demo'",
    )
    .await;
    let admin = app.as_user(&tenant.admin);
    let invite = |name: &str| {
        let body = json!({"email": format!("{name}@demo.example"), "name": "New One"});
        let admin = admin.clone();
        async move { admin.post("/api/v1/users", body).await }
    };
    let first = invite("first").await.expect(201).id();
    invite("second")
        .await
        .expect_problem(409, "seats_exhausted");
    execute(
        &app,
        "update identity.one_time_tokens set expires_at = created_at",
    )
    .await;
    invite("second").await.expect(201);
    // Inviting the first again takes a seat again.
    let again = format!("/api/v1/users/{first}/invite");
    admin
        .post(&again, json!({}))
        .await
        .expect_problem(409, "seats_exhausted");
}
