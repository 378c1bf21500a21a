use serde_json::{Value, json};

use crate::{app, staff, wrong_fields};

fn is_on(features: &Value, flag: &str, field: &str) -> bool {
    features["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|feature| feature["flag"] == flag && feature[field] == true)
}

#[tokio::test]
async fn staff_switches_a_feature_and_all_users_see_it_immediately() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let customer = app.as_user(&demo.customer);
    assert!(!is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let answer = staff
        .put(&path, json!({"items": [{"flag": "ai", "enabled": true}]}))
        .await
        .expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    assert!(is_on(&answer.json(), "ai", "on"));
    let own = customer.get("/api/v1/features").await.expect(200).json();
    assert!(
        is_on(&own, "ai", "enabled") && is_on(&own, "support", "enabled"),
        "other flags stay unchanged"
    );
    assert_eq!(own["items"].as_array().unwrap().len(), 9);
    let (kind, data): (String, Value) =
        sqlx::query_as("select type, data from events.outbox where tenant_id = $1")
            .bind(demo.id)
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap();
    assert_eq!(kind, "de.revalenz.tenancy.feature.changed.v1");
    assert_eq!(data, json!({"tenant_id": demo.id, "changed": {"ai": true}}));
    let log = app
        .as_user(&demo.admin)
        .get("/api/v1/audit-log?action=tenancy.feature")
        .await
        .expect(200)
        .json();
    assert_eq!(log["items"][0]["changes"]["ai"]["new"]["enabled"], true);
}

#[tokio::test]
async fn a_feature_expires_on_time() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let trial =
        json!({"items": [{"flag": "ai", "enabled": true, "expires_at": "2026-11-20T10:05:00Z"}]});
    staff.put(&path, trial.clone()).await.expect(200);
    let customer = app.as_user(&demo.customer);
    assert!(is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    app.clock.advance(std::time::Duration::from_mins(5));
    assert!(!is_on(
        &customer.get("/api/v1/features").await.expect(200).json(),
        "ai",
        "enabled"
    ));
    let after = staff.get(&path).await.expect(200).json();
    assert!(is_on(&after, "ai", "enabled") && !is_on(&after, "ai", "on"));
    staff.put(&path, trial).await.expect(200);
    assert_eq!(
        wrong_fields(staff.put(&path, json!({"items": [{"flag": "billing", "enabled": true, "expires_at": "2026-11-20T10:05:00Z"}]})).await),
        ["/items/0/expires_at in_the_past"]
    );
}

#[tokio::test]
async fn unknown_flags_duplicates_and_invalid_rollouts_are_refused() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let body = json!({"items": [{"flag": "teleport", "enabled": true}, {"flag": "ai"}, {"flag": "ai", "enabled": true, "rollout": 101}]});
    assert_eq!(
        wrong_fields(staff.put(&path, body).await),
        [
            "/items/0/flag not_one_of",
            "/items/1/enabled required",
            "/items/2/rollout out_of_range"
        ]
    );
    let twice =
        json!({"items": [{"flag": "ai", "enabled": true}, {"flag": "ai", "enabled": false}]});
    assert_eq!(
        wrong_fields(staff.put(&path, twice).await),
        ["/items/1/flag duplicate"]
    );
}

#[tokio::test]
async fn an_admin_reads_the_flags_but_does_not_switch_them() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let admin = app.as_user(&demo.admin);
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    admin.get(&path).await.expect(200);
    admin
        .put(&path, json!({"items": [{"flag": "ai", "enabled": true}]}))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_flag_can_be_on_for_some_users_and_a_growing_rollout_only_adds() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let mut clients = Vec::new();
    for (_, person) in demo.people() {
        clients.push(app.as_user(person));
    }
    for number in 0..14 {
        let email = format!("{number}@demo.example");
        let person = app.person(demo.id, "customer", &email).await;
        clients.push(app.as_user(&person));
    }
    let mut before = vec![false; clients.len()];
    for share in [0, 10, 20, 60, 100] {
        let body = json!({"items": [{"flag": "ai", "enabled": true, "user_rollout": share}]});
        let answer = staff.put(&path, body).await.expect(200).json();
        assert_eq!(is_on(&answer, "ai", "on"), share > 0);
        for (client, before) in clients.iter().zip(&mut before) {
            let own = client.get("/api/v1/features").await.expect(200).json();
            let has = is_on(&own, "ai", "enabled");
            assert!(has || !*before, "no user may lose the feature at {share} %");
            *before = has;
        }
        let count = before.iter().filter(|has| **has).count();
        assert!(
            (share > 0 || count == 0) && (share < 100 || count == 20),
            "{count} at {share} %"
        );
    }
}

#[tokio::test]
async fn a_flag_can_have_conditions_on_users_and_keys() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let key = app.key(demo.id, &[]).await;
    let who = [
        ("manager", app.as_user(&demo.manager)),
        ("expert", app.as_user(&demo.expert)),
        ("customer", app.as_user(&demo.customer)),
        ("key", key),
    ];
    for (conditions, wanted) in [
        (
            json!([{"attribute": "role", "operator": "in", "values": ["manager", "expert"]}]),
            "manager expert",
        ),
        (
            json!([{"attribute": "role", "operator": "not_in", "values": ["manager"]}]),
            "expert customer key",
        ),
        (
            json!([{"attribute": "user_id", "operator": "in", "values": [demo.customer.id]}]),
            "customer",
        ),
        (
            json!([{"attribute": "locale", "operator": "in", "values": ["de"]}]),
            "",
        ),
        (
            json!([
                {"attribute": "plan", "operator": "in", "values": ["standard"]},
                {"attribute": "role", "operator": "in", "values": ["expert", "api_key"]},
            ]),
            "expert key",
        ),
        (
            json!([{"attribute": "plan", "operator": "not_in", "values": ["standard"]}]),
            "",
        ),
        (json!([]), "manager expert customer key"),
    ] {
        let body = json!({"items": [{"flag": "ai", "enabled": true, "conditions": conditions}]});
        let answer = staff.put(&path, body).await.expect(200).json();
        let items = answer["items"].as_array().unwrap();
        let ai = items.iter().find(|item| item["flag"] == "ai").unwrap();
        assert_eq!(ai["conditions"], conditions);
        let mut having = Vec::new();
        for (name, client) in &who {
            let own = client.get("/api/v1/features").await.expect(200).json();
            if is_on(&own, "ai", "enabled") {
                having.push(*name);
            }
        }
        assert_eq!(having.join(" "), wanted, "{conditions}");
    }
    app.clock.advance(std::time::Duration::from_secs(1));
    let body = json!({"items": [{"flag": "ai", "enabled": true, "user_rollout": 20}]});
    staff.put(&path, body).await.expect(200);
    let log = app
        .as_user(&demo.admin)
        .get("/api/v1/audit-log?action=tenancy.feature")
        .await
        .expect(200)
        .json();
    let changed = &log["items"][0]["changes"]["ai"];
    assert_eq!(
        (
            &changed["old"]["user_rollout"],
            &changed["new"]["user_rollout"]
        ),
        (&json!(100), &json!(20))
    );
    let body = json!({"items": [{"flag": "ai", "enabled": true, "user_rollout": 101, "conditions": [
        {"attribute": "shoe_size", "operator": "in", "values": ["42"]}, {"attribute": "plan", "operator": "like", "values": []},
        {"attribute": "plan", "operator": "in", "values": ["gold"]},
    ]}]});
    assert_eq!(
        wrong_fields(staff.put(&path, body).await),
        [
            "/items/0/conditions/0/attribute not_one_of",
            "/items/0/conditions/1/operator not_one_of",
            "/items/0/conditions/1/values too_short",
            "/items/0/conditions/2/values/0 not_one_of",
            "/items/0/user_rollout out_of_range"
        ]
    );
}

#[tokio::test]
async fn a_targeted_flag_expires_on_time() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let until = json!({"items": [{
        "flag": "ai", "enabled": true, "expires_at": "2026-11-20T11:00:00Z",
        "conditions": [{"attribute": "role", "operator": "in", "values": ["expert"]}],
    }]});
    staff.put(&path, until).await.expect(200);
    let own = async |person| {
        let features = app.as_user(person).get("/api/v1/features").await;
        is_on(&features.expect(200).json(), "ai", "enabled")
    };
    assert!(own(&demo.expert).await && !own(&demo.customer).await);
    let tenant = app
        .state
        .authenticator()
        .tenant(demo.id)
        .await
        .unwrap()
        .unwrap();
    assert!(
        tenant.has("ai"),
        "on for some users, so on for emails and jobs"
    );
    app.clock.advance(std::time::Duration::from_hours(1));
    assert!(!own(&demo.expert).await);
    let tenant = app
        .state
        .authenticator()
        .tenant(demo.id)
        .await
        .unwrap()
        .unwrap();
    assert!(!tenant.has("ai"));
}

#[tokio::test]
async fn a_condition_names_roles_that_exist() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = staff(&app).await;
    let path = format!("/api/v1/tenants/{}/features", demo.id);
    let body = |values: &[&str]| {
        let condition = json!({"attribute": "role", "operator": "not_in", "values": values});
        json!({"items": [{"flag": "ai", "enabled": true, "conditions": [condition]}]})
    };
    let refused = staff.put(&path, body(&["expert", "nosuchrole"])).await;
    assert_eq!(
        wrong_fields(refused),
        ["/items/0/conditions/0/values/1 unknown_role"]
    );
    let known = ["expert", "api_key", "superadmin"];
    staff.put(&path, body(&known)).await.expect(200);
}
