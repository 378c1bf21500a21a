use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, TestApp, TestTenant};

use crate::{actions, app, new_tenant, run_job, wrong_fields};

async fn fixture() -> (TestApp, TestTenant, Client, String) {
    let app = app().await;
    let demo = app.tenant("demo").await;
    let staff = crate::staff(&app).await;
    let path = format!("/api/v1/tenants/{}/license", demo.id);
    (app, demo, staff, path)
}

async fn projected(app: &TestApp, demo: &TestTenant) -> (i32, Value, Value) {
    sqlx::query_as("select max_users, limits, features from access.tenants where tenant_id = $1")
        .bind(demo.id)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap()
}

async fn has(client: &Client, flag: &str) -> bool {
    let features = client.get("/api/v1/features").await.expect(200).json();
    features["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|feature| feature["flag"] == flag && feature["enabled"] == true)
}

#[tokio::test]
async fn a_licence_is_updated_by_staff_and_read_by_the_admin() {
    let (app, demo, staff, path) = fixture().await;
    let admin = app.as_user(&demo.admin);
    let nothing = admin.get(&path).await.expect(200).json();
    assert_eq!(
        nothing,
        json!({"in_force": null, "upcoming": [], "version": 1})
    );
    let body = json!({
        "plan": "trial", "seats": 40, "features": ["support", "ai"], "values": {"support_hours": 8, "contact": "Erika"},
        "limits": {"llm_tokens": {"limit": 5_000, "enforcement": "soft"}, "api_requests": null},
    });
    let answer = staff.put(&path, body.clone()).await.expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    let read = admin.get(&path).await.expect(200).json();
    let id = read["in_force"]["id"].clone();
    assert_eq!(
        read,
        json!({
            "in_force": {
                "id": id, "plan": "trial", "seats": 40, "features": ["support", "ai"],
                "limits": [
                    {"metric": "storage_bytes", "limit": 5_368_709_120_i64, "enforcement": "hard"},
                    {"metric": "llm_tokens", "limit": 5_000, "enforcement": "soft"},
                ],
                "values": {"contact": "Erika", "support_hours": 8},
                "valid_from": "2026-11-20T10:00:00Z", "valid_to": null, "superseded_at": null, "created_at": "2026-11-20T10:00:00Z",
            },
            "upcoming": [], "version": 2,
        })
    );
    let (seats, limits, _) = projected(&app, &demo).await;
    assert_eq!(seats, 40);
    assert_eq!(
        limits,
        json!({
            "storage_bytes": 5_368_709_120_i64, "llm_tokens_per_month": 5_000, "soft_limits": ["llm_tokens_per_month"],
            "support_hours": 8, "contact": "Erika",
        })
    );
    let tenant = admin
        .get(&format!("/api/v1/tenants/{}", demo.id))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&tenant["license_type"], &tenant["max_users"]),
        (&json!("trial"), &json!(40))
    );
    // Repeating the request changes nothing, and fields that are not included stay.
    let again = staff.put(&path, body).await.expect(200);
    assert_eq!(again.header("etag"), "\"2\"");
    let more = staff
        .put(&path, json!({"seats": 41}))
        .await
        .expect(200)
        .json();
    assert_eq!(more["in_force"]["values"]["support_hours"], 8);
    assert!(
        actions(&admin)
            .await
            .contains(&"tenancy.license.updated".to_owned())
    );
    admin
        .put(&path, json!({"seats": 5000}))
        .await
        .expect_problem(403, "forbidden");
    app.as_user(&demo.manager)
        .get(&path)
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_licence_is_never_edited_and_its_history_stays_readable() {
    let (app, demo, _, path) = fixture().await;
    for seats in [10, 20, 30] {
        let staff = crate::staff(&app).await;
        staff.put(&path, json!({"seats": seats})).await.expect(200);
        app.clock.advance(Duration::from_hours(1));
    }
    let admin = app.as_user(&demo.admin);
    let list = format!("{path}/history");
    let first = admin
        .get(&format!("{list}?limit=2"))
        .await
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = admin
        .get(&format!("{list}?limit=2&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    let seats: Vec<Value> = [&first, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|license| json!([license["seats"], license["valid_from"], license["valid_to"]]))
        .collect();
    assert_eq!(
        seats,
        [
            json!([30, "2026-11-20T12:00:00Z", null]),
            json!([20, "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z"]),
            json!([10, "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"]),
        ]
    );
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_licence_boundary_takes_effect_immediately_and_publishes_nothing() {
    let (app, demo, staff, path) = fixture().await;
    let customer = app.as_user(&demo.customer);
    staff
        .put(
            &path,
            json!({"seats": 10, "valid_to": "2026-11-20T12:00:00Z"}),
        )
        .await
        .expect(200);
    let later = json!({
        "seats": 5, "features": ["files"], "valid_from": "2026-11-20T11:00:00Z",
        "limits": {"storage_bytes": {"limit": 7}},
    });
    let answer = staff.put(&path, later).await.expect(200).json();
    assert_eq!(answer["in_force"]["seats"], 10);
    assert_eq!(answer["in_force"]["valid_to"], "2026-11-20T11:00:00Z");
    assert_eq!(answer["upcoming"][0]["seats"], 5);
    // The new licence keeps the end of the one that it supersedes.
    assert_eq!(answer["upcoming"][0]["valid_to"], "2026-11-20T12:00:00Z");
    assert_eq!(answer["effect"]["features_lost"], json!(["support"]));
    let announced = async || -> i64 {
        sqlx::query_scalar("select count(*) from events.outbox")
            .fetch_one(&mut app.admin().await)
            .await
            .unwrap()
    };
    let before = announced().await;
    assert!(has(&customer, "support").await);
    assert_eq!(
        run_job(&app, "turn-licenses").await,
        json!({"tenants": 0, "failed": 0})
    );

    app.clock.advance(Duration::from_hours(1));
    let customer = app.as_user(&demo.customer);
    let admin = app.as_user(&demo.admin);
    let tenant = app
        .state
        .authenticator()
        .tenant(demo.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tenant.max_users, 5);
    assert!(!has(&customer, "support").await && has(&customer, "files").await);
    let read = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&read["in_force"]["seats"], &read["upcoming"]),
        (&json!(5), &json!([]))
    );
    // The job updates the stored projection.
    assert_eq!(projected(&app, &demo).await.0, 10);
    assert_eq!(
        run_job(&app, "turn-licenses").await,
        json!({"tenants": 1, "failed": 0})
    );
    let (seats, limits, features) = projected(&app, &demo).await;
    assert_eq!((seats, &limits["storage_bytes"]), (5, &json!(7)));
    assert_eq!(
        (&features["support"], &features["files"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        run_job(&app, "turn-licenses").await,
        json!({"tenants": 0, "failed": 0})
    );

    app.clock.advance(Duration::from_hours(1));
    let tenant = app
        .state
        .authenticator()
        .tenant(demo.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((tenant.max_users, tenant.has("files")), (0, false));
    let admin = app.as_user(&demo.admin);
    let read = admin.get(&path).await.expect(200).json();
    assert_eq!(read["in_force"], Value::Null, "the last one has ended");
    run_job(&app, "turn-licenses").await;
    assert_eq!(projected(&app, &demo).await.0, 0);
    assert_eq!(announced().await, before);
    // A new licence restores everything.
    let staff = crate::staff(&app).await;
    let renewed = staff
        .put(&path, json!({"features": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(renewed["in_force"]["seats"], 5, "as in the last one");
    assert_eq!(renewed["in_force"]["valid_to"], Value::Null);
    assert!(has(&app.as_user(&demo.customer), "support").await);
}

#[tokio::test]
async fn features_outside_the_licence_stay_off() {
    let (app, demo, staff, path) = fixture().await;
    let features = format!("/api/v1/tenants/{}/features", demo.id);
    let customer = app.as_user(&demo.customer);
    staff
        .put(&path, json!({"features": ["support"]}))
        .await
        .expect(200);
    let flags = staff
        .put(
            &features,
            json!({"items": [{"flag": "ai", "enabled": true}]}),
        )
        .await
        .expect(200)
        .json();
    let ai = flags["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["flag"] == "ai")
        .unwrap();
    assert_eq!(
        (&ai["enabled"], &ai["licensed"], &ai["on"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert!(!has(&customer, "ai").await);
    staff
        .put(&path, json!({"features": ["support", "ai"]}))
        .await
        .expect(200);
    assert!(has(&customer, "ai").await);
    let data: Vec<Value> = sqlx::query_scalar(
        "select data -> 'changed' from events.outbox where type = 'de.revalenz.tenancy.feature.changed.v1' order by aggregate_version",
    )
    .fetch_all(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(
        data,
        [
            json!({"files": false}),
            json!({"ai": false}),
            json!({"ai": true})
        ]
    );
}

#[tokio::test]
async fn a_downgrade_suggests_whom_to_disable_and_removes_no_one() {
    let (app, demo, staff, path) = fixture().await;
    staff.put(&path, json!({"seats": 10})).await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    let newest = app.person(demo.id, "customer", "new@demo.example").await;
    let invited = app.person(demo.id, "admin", "invited@demo.example").await;
    sqlx::query("update access.people set status = 'invited' where user_id = $1 or email = 'manager@demo.example'")
        .bind(invited.id)
        .execute(&mut app.admin().await)
        .await
        .unwrap();
    let smaller =
        json!({"seats": 4, "features": ["files"], "limits": {"storage_bytes": {"limit": 100}}});
    let preview = staff
        .put(&format!("{path}?dry_run=true"), smaller.clone())
        .await
        .expect(200);
    assert_eq!(preview.header("etag"), "\"2\"");
    let preview = preview.json();
    assert_eq!(preview["dry_run"], true);
    let seats = &preview["effect"]["seats"];
    assert_eq!(
        (&seats["limit"], &seats["taken"], &seats["over"]),
        (&json!(4), &json!(8), &json!(4))
    );
    let first_to_go: Vec<&str> = seats["first_to_go"]
        .as_array()
        .unwrap()
        .iter()
        .map(|holder| holder["name"].as_str().unwrap())
        .collect();
    // Any two of the four users who were created at the same time; the admin and the invited admin come last.
    assert_eq!(first_to_go[..2], ["manager", "new"]);
    assert_eq!(first_to_go.len(), 4);
    assert!(!first_to_go.contains(&"admin") && !first_to_go.contains(&"invited"));
    assert_eq!(preview["effect"]["features_lost"], json!(["support"]));
    let admin = app.as_user(&demo.admin);
    let unchanged = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&unchanged["in_force"]["seats"], &unchanged["version"]),
        (&json!(10), &json!(2))
    );

    let done = staff.put(&path, smaller).await.expect(200).json();
    assert_eq!(
        (&done["dry_run"], &done["effect"]["seats"]),
        (&json!(false), seats)
    );
    let people: i64 = sqlx::query_scalar("select count(*) from access.people where tenant_id = $1 and status in ('invited', 'active')")
        .bind(demo.id)
        .fetch_one(&mut app.admin().await)
        .await
        .unwrap();
    assert_eq!(people, 8, "no one is deleted");
    app.as_user(&newest)
        .get("/api/v1/features")
        .await
        .expect(200);
}

#[tokio::test]
async fn all_errors_of_a_licence_are_reported_at_once() {
    let (_stage, _, staff, path) = fixture().await;
    let body = json!({
        "plan": "gold", "seats": 0, "features": ["ai", "ai"], "values": {"Bad Name": 1, "storage_bytes": 1, "fine": null},
        "limits": {"storage_bytes": {"limit": -1}, "shoes": null}, "valid_to": "tomorrow",
    });
    assert_eq!(
        wrong_fields(staff.put(&path, body).await),
        [
            "/features/1 duplicate",
            "/limits/shoes unknown_field",
            "/limits/storage_bytes/limit out_of_range",
            "/plan not_one_of",
            "/seats out_of_range",
            "/valid_to invalid_format",
            "/values/Bad Name invalid_format",
            "/values/fine wrong_type",
            "/values/storage_bytes invalid_format",
        ]
    );
    for (body, wrong) in [
        (
            json!({"valid_from": "2026-11-20T09:59:59Z"}),
            "/valid_from in_the_past",
        ),
        (
            json!({"valid_to": "2026-11-20T10:00:00Z"}),
            "/valid_to not_after_beginning",
        ),
    ] {
        assert_eq!(wrong_fields(staff.put(&path, body).await), [wrong]);
    }
    let outdated = staff.with("if-match", "\"9\"");
    outdated
        .put(&path, json!({"seats": 3}))
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn changing_seats_keeps_upcoming_licences() {
    let (app, demo, staff, path) = fixture().await;
    staff.put(&path, json!({"seats": 10})).await.expect(200);
    staff
        .put(
            &path,
            json!({"seats": 5, "valid_from": "2027-01-01T00:00:00Z"}),
        )
        .await
        .expect(200);
    app.clock.advance(Duration::from_mins(1));
    let tenant = format!("/api/v1/tenants/{}", demo.id);
    staff
        .patch(&tenant, json!({"max_users": 12}))
        .await
        .expect(200);
    let read = staff.get(&path).await.expect(200).json();
    assert_eq!(
        (&read["in_force"]["seats"], &read["upcoming"][0]["seats"]),
        (&json!(12), &json!(5))
    );
    // An explicit end withdraws licences that would begin before it.
    let answer = staff
        .put(&path, json!({"seats": 13, "valid_to": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&answer["in_force"]["seats"], &answer["upcoming"]),
        (&json!(13), &json!([]))
    );
}

#[tokio::test]
async fn concurrent_updates_leave_one_licence_in_force() {
    let (app, demo, staff, path) = fixture().await;
    let many = (1..=6).map(|seats| {
        let (staff, path) = (staff.clone(), path.clone());
        tokio::spawn(async move {
            loop {
                let answer = staff.put(&path, json!({"seats": seats})).await;
                if answer.status != 503 {
                    return answer.expect(200);
                }
            }
        })
    });
    for call in many.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let in_force: i64 = sqlx::query_scalar(
        "select count(*) from tenancy.licenses where tenant_id = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)",
    )
    .bind(demo.id)
    .bind(app.clock.now())
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(in_force, 1);
}

#[tokio::test]
async fn a_new_tenant_has_the_licence_of_its_plan() {
    let app = app().await;
    let staff = crate::staff(&app).await;
    let id = staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201)
        .id();
    let read = staff
        .get(&format!("/api/v1/tenants/{id}/license"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            &read["in_force"]["plan"],
            &read["in_force"]["seats"],
            &read["in_force"]["features"]
        ),
        (&json!("standard"), &json!(25), &Value::Null)
    );
    assert_eq!(read["in_force"]["limits"].as_array().unwrap().len(), 3);
}
