use serde_json::json;

use super::demo;

#[tokio::test]
async fn the_built_in_roles_are_listed_with_their_permissions() {
    let (app, tenant) = demo().await;
    let page = app
        .as_user(&tenant.manager)
        .get("/api/v1/roles")
        .await
        .expect(200)
        .json();
    let roles = page["items"].as_array().unwrap();
    let names: Vec<&str> = roles
        .iter()
        .map(|role| role["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["admin", "customer", "expert", "manager"]);
    assert_eq!(roles[1]["permissions"]["identity.user.update"], "own");
    assert_eq!(roles[1]["built_in"], true);
    app.as_user(&tenant.expert)
        .get("/api/v1/roles")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn all_permissions_except_those_of_staff_are_listed() {
    let (app, tenant) = demo().await;
    let page = app
        .as_user(&tenant.admin)
        .get("/api/v1/permissions")
        .await
        .expect(200)
        .json();
    let items = page["items"].as_array().unwrap();
    let read = items
        .iter()
        .find(|item| item["name"] == "identity.user.read")
        .unwrap();
    assert_eq!(read["context"], "identity");
    assert_eq!(
        read["built_in_roles"],
        json!({"admin": "all", "expert": "all", "manager": "all"})
    );
    assert!(
        items
            .iter()
            .all(|item| item["name"] != "tenancy.tenant.create")
    );
    let staff = app.superadmin().await;
    let page = app
        .as_user(&staff)
        .get("/api/v1/permissions")
        .await
        .expect(200)
        .json();
    assert!(
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["name"] == "tenancy.tenant.create")
    );
}
