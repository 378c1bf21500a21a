use serde_json::{Value, json};

use super::{PASSWORD, add, bearer, demo};

#[tokio::test]
async fn users_read_their_own_activity() {
    let (app, tenant) = demo().await;
    // Entries with the same timestamp have no defined order.
    let later = || app.clock.advance(std::time::Duration::from_secs(1));
    let id = add(&app, &tenant, "expert", "ada@demo.example").await;
    later();
    let body = json!({"tenant": "demo", "email": "ada@demo.example", "password": PASSWORD});
    let login = app
        .anonymous()
        .call(http::Method::POST, "/api/v1/auth/login")
        .json(&body);
    let tokens = login
        .from_address("203.0.113.77")
        .send()
        .await
        .expect(200)
        .json();
    let ada = bearer(&app, &tokens);
    let admin = app.as_user(&tenant.admin);
    let person = format!("/api/v1/users/{id}");
    later();
    admin
        .put(&person, json!({"locale": "de"}))
        .await
        .expect(200);
    later();
    ada.put(&person, json!({"locale": "en"})).await.expect(200);
    let path = format!("{person}/activity");
    let page = ada.get(&path).await.expect(200).json();
    let entries: Vec<(&str, bool)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["action"].as_str().unwrap(), item["actor"]["id"] == id))
        .collect();
    assert_eq!(
        entries,
        [
            ("identity.user.updated", true),
            ("identity.user.updated", false),
            ("identity.session.started", true),
            ("identity.user.created", false),
        ]
    );
    assert_eq!(page["items"][2]["address"], "203.0.113.•••");
    let plain = admin.get(&path).await.expect(200).json();
    assert_eq!(plain["items"][2]["address"], "203.0.113.77");

    // Paging returns the same entries.
    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=1");
    loop {
        let page = ada.get(&next).await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        next = format!("{path}?limit=1&cursor={cursor}");
    }
    let all: Vec<Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn only_admins_read_the_activity_of_others() {
    let (app, tenant) = demo().await;
    let path = |id: ids::UserId| format!("/api/v1/users/{id}/activity");
    let other = path(tenant.expert2.id);
    for person in [&tenant.manager, &tenant.expert, &tenant.customer] {
        app.as_user(person)
            .get(&other)
            .await
            .expect_problem(404, "not_found");
        app.as_user(person).get(&path(person.id)).await.expect(200);
    }
    let admin = app.as_user(&tenant.admin);
    admin.get(&other).await.expect(200);
    admin
        .delete(&format!("/api/v1/users/{}", tenant.expert2.id))
        .await
        .expect(204);
    let gone = admin.get(&other).await.expect(200).json();
    assert_eq!(gone["items"][0]["action"], "identity.user.disabled");
    let theirs = app.tenant("other").await;
    app.as_user(&theirs.admin)
        .get(&other)
        .await
        .expect_problem(404, "not_found");
}
