//! Somebody looks at an account: every function honours what the token says, not identity alone.

use serde_json::json;
use testkit::Stage;

#[tokio::test]
async fn other_functions_show_what_the_person_sees_and_take_nothing() {
    let stage = Stage::of(&[
        ("identity", identity::service),
        ("tenancy", tenancy::service),
        ("support", support::service),
    ])
    .await;
    let tenant = stage.tenant("demo").await;
    let body = json!({"title": "Leak", "description": "Under the sink"});
    let customer = stage.as_(&tenant.customer);
    let id = customer
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .id();
    let other = stage.as_(&tenant.customer2);
    let others = other
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .id();

    let staff = stage.superadmin().await;
    let abroad = stage
        .as_(&staff)
        .with("x-tenant-id", &tenant.id.to_string())
        .with("x-reason", "ticket T-1042");
    let ask = json!({"user_id": tenant.customer.id, "reason": "ticket T-1042"});
    let answer = abroad
        .post("/api/v1/auth/impersonate", ask)
        .await
        .expect(200)
        .json();
    let looking = stage
        .stranger()
        .bearer(answer["access_token"].as_str().unwrap());

    // The person's own tickets, and no others, although staff could see all.
    let page = looking.get("/api/v1/tickets").await.expect(200).json();
    let seen: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(seen, [id.as_str()]);
    looking
        .get(&format!("/api/v1/tickets/{others}"))
        .await
        .refused(404, "not_found");
    looking
        .get("/api/v1/audit-log")
        .await
        .refused(403, "forbidden");
    // The headers by which staff acts elsewhere mean nothing to this token.
    let elsewhere = stage.tenant("other").await;
    let strayed = looking
        .clone()
        .with("x-tenant-id", &elsewhere.id.to_string())
        .with("x-reason", "curious");
    let page = strayed.get("/api/v1/tickets").await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);

    let ticket = format!("/api/v1/tickets/{id}");
    for answer in [
        looking.post("/api/v1/tickets", body).await,
        looking.patch(&ticket, json!({"title": "Flood"})).await,
        looking.delete(&ticket).await,
        looking
            .post(&format!("{ticket}/comments"), json!({"content": "x"}))
            .await,
        looking
            .post("/api/v1/api-keys", json!({"name": "x", "scopes": []}))
            .await,
    ] {
        answer.refused(403, "impersonation_read_only");
    }
    // What staff may not do any more, it may not do through others' eyes.
    abroad
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
    looking
        .get("/api/v1/tickets")
        .await
        .refused(401, "unauthenticated");
}
