use serde_json::{Value, json};

use super::demo;

fn skills() -> Value {
    json!({"items": [
        {"skill": "Heating", "level": 4, "years": 9},
        {"skill": "energy consulting", "level": 2, "certificate": {"name": "BAFA", "valid_until": "2027-01-31"}},
    ]})
}

#[tokio::test]
async fn skills_are_replaced_as_a_whole_and_searchable() {
    let (app, tenant) = demo().await;
    let expert = app.as_user(&tenant.expert);
    let path = format!("/api/v1/users/{}/expertise", tenant.expert.id);
    assert_eq!(
        expert.get(&path).await.expect(200).json()["items"],
        json!([])
    );
    let set = expert.put(&path, skills()).await.expect(200);
    assert_eq!(set.header("etag"), "\"2\"");
    assert_eq!(
        set.json()["items"],
        json!([
            {"skill": "energy consulting", "level": 2, "years": null, "certificate": {"name": "BAFA", "valid_until": "2027-01-31"}},
            {"skill": "heating", "level": 4, "years": 9, "certificate": null},
        ])
    );
    assert_eq!(
        expert.put(&path, skills()).await.expect(200).json()["version"],
        2
    );
    let manager = app.as_user(&tenant.manager);
    for (query, found) in [
        ("skill=HEATING", 1),
        ("skill=heating&min_level=4", 1),
        ("skill=heating&min_level=5", 0),
        ("skill=heat", 0),
        ("min_level=2", 1),
    ] {
        let page = manager
            .get(&format!("/api/v1/users?{query}"))
            .await
            .expect(200)
            .json();
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
    let replaced = manager
        .put(&path, json!({"items": []}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&replaced["items"], &replaced["version"]),
        (&json!([]), &json!(3))
    );
    let outdated = manager
        .call(http::Method::PUT, &path)
        .header("if-match", "\"2\"")
        .json(&skills())
        .send()
        .await;
    outdated.expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn all_invalid_skills_are_reported() {
    let (app, tenant) = demo().await;
    let path = format!("/api/v1/users/{}/expertise", tenant.expert.id);
    let body = json!({"items": [{"skill": "a", "level": 6}, {"skill": "", "level": 1, "years": 81}, {"level": 1}]});
    let problem = app
        .as_user(&tenant.expert)
        .put(&path, body)
        .await
        .expect_problem(422, "validation_failed");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/items/0/level",
            "/items/1/skill",
            "/items/1/years",
            "/items/2/skill"
        ]
    );
    let twice = json!({"items": [{"skill": "a", "level": 1}, {"skill": "A", "level": 2}]});
    let problem = app
        .as_user(&tenant.expert)
        .put(&path, twice)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "duplicate");
}

#[tokio::test]
async fn experts_can_change_their_own_skills_and_customers_cannot() {
    let (app, tenant) = demo().await;
    let others = format!("/api/v1/users/{}/expertise", tenant.expert2.id);
    app.as_user(&tenant.expert).get(&others).await.expect(200);
    app.as_user(&tenant.expert)
        .put(&others, skills())
        .await
        .expect_problem(404, "not_found");
    let customer = app.as_user(&tenant.customer);
    customer.get(&others).await.expect_problem(404, "not_found");
    customer
        .get(&format!("/api/v1/users/{}/expertise", tenant.customer.id))
        .await
        .expect(200);
    customer
        .put(&others, skills())
        .await
        .expect_problem(403, "forbidden");
}
