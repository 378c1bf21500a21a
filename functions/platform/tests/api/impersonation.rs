//! Impersonation: every function enforces the limits of the token, not only identity.

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn other_functions_show_the_persons_view_and_reject_changes() {
    let app = TestApp::of(&[&identity::CONTEXT, &tenancy::CONTEXT, &support::CONTEXT]).await;
    let tenant = app.tenant("demo").await;
    let body = json!({"title": "Leak", "description": "Under the sink"});
    let customer = app.as_user(&tenant.customer);
    let id = customer
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .id();
    let other = app.as_user(&tenant.customer2);
    let others = other
        .post("/api/v1/tickets", body.clone())
        .await
        .expect(201)
        .id();

    let staff = app.superadmin().await;
    let in_tenant = app
        .as_user(&staff)
        .with("x-tenant-id", &tenant.id.to_string())
        .with("x-reason", "ticket T-1042");
    let ask = json!({"user_id": tenant.customer.id, "reason": "ticket T-1042"});
    let answer = in_tenant
        .post("/api/v1/auth/impersonate", ask)
        .await
        .expect(200)
        .json();
    let impersonated = app
        .anonymous()
        .bearer(answer["access_token"].as_str().unwrap());

    // Only the person's own tickets, although staff could see all.
    let page = impersonated.get("/api/v1/tickets").await.expect(200).json();
    let seen: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(seen, [id.as_str()]);
    impersonated
        .get(&format!("/api/v1/tickets/{others}"))
        .await
        .expect_problem(404, "not_found");
    impersonated
        .get("/api/v1/audit-log")
        .await
        .expect_problem(403, "forbidden");
    // The headers by which staff acts other_tenant mean nothing to this token.
    let other_tenant = app.tenant("other").await;
    let with_headers = impersonated
        .clone()
        .with("x-tenant-id", &other_tenant.id.to_string())
        .with("x-reason", "curious");
    let page = with_headers.get("/api/v1/tickets").await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);

    let ticket = format!("/api/v1/tickets/{id}");
    for answer in [
        impersonated.post("/api/v1/tickets", body).await,
        impersonated.patch(&ticket, json!({"title": "Flood"})).await,
        impersonated.delete(&ticket).await,
        impersonated
            .post(&format!("{ticket}/comments"), json!({"content": "x"}))
            .await,
        impersonated
            .post("/api/v1/api-keys", json!({"name": "x", "scopes": []}))
            .await,
    ] {
        answer.expect_problem(403, "impersonation_read_only");
    }
    // Signing out also ends the impersonation.
    in_tenant
        .post("/api/v1/auth/logout", json!({}))
        .await
        .expect(204);
    impersonated
        .get("/api/v1/tickets")
        .await
        .expect_problem(401, "unauthenticated");
}
