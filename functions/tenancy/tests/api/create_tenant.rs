use access::{Keyring, Purpose, opaque::Opaque};
use ids::{OneTimeToken, TenantId};
use serde_json::{Value, json};
use sqlx::Row;

use crate::{app, new_tenant, wrong_fields};

#[tokio::test]
async fn a_new_tenant_has_roles_settings_flags_a_licence_and_an_invited_admin() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    let answer = staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201);
    let tenant = answer.json();
    let id = answer.id();
    assert_eq!(answer.header("location"), format!("/api/v1/tenants/{id}"));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(tenant["admin"]["email"], "maria@muster.example");
    assert_eq!(tenant["admin"]["status"], "invited");
    let mut expected = json!({
        "id": id, "slug": "muster", "name": "muster GmbH", "email": "office@muster.example", "domain": null, "status": "active", "status_since": "2026-11-20T10:00:00Z", "status_reason": null, "closes_at": null,
        "license_type": "standard", "max_users": 25, "region": "eu", "locale": "de", "time_zone": "Europe/Berlin", "currency": "EUR",
        "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "version": 1,
    });
    expected["admin"] = tenant["admin"].clone();
    assert_eq!(tenant, expected);

    let tenant_id: TenantId = id.parse().unwrap();
    let row = sqlx::query(
        "select
            (select jsonb_object_agg(name, base_role) from access.roles where tenant_id = $1 and built_in) as roles,
            (select permissions ->> 'tenancy.settings.update' from access.roles where tenant_id = $1 and name = 'admin') as may,
            (select features from access.tenants where tenant_id = $1) as features,
            (select settings ->> 'registration' from access.tenants where tenant_id = $1) as registration,
            (select limits from access.tenants where tenant_id = $1) as limits,
            (select count(*) from tenancy.feature_flags where tenant_id = $1) as flags,
            (select seats from tenancy.licenses where tenant_id = $1 and valid_to is null) as seats,
            (select status from access.people where tenant_id = $1) as person,
            (select array_agg(type order by type) from events.outbox where tenant_id = $1) as events,
            (select actor_kind || ' ' || action from access.audit_log where tenant_id = $1) as log,
            (select expires_at from identity.one_time_tokens where tenant_id = $1 and purpose = 'invite') as invited_until",
    )
    .bind(tenant_id)
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    assert_eq!(
        row.get::<Value, _>("roles"),
        json!({"admin": "admin", "manager": "manager", "expert": "expert", "customer": "customer"})
    );
    assert_eq!(row.get::<String, _>("may"), "all");
    let features = row.get::<Value, _>("features");
    assert_eq!(
        (&features["support"], &features["ai"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(row.get::<String, _>("registration"), "open");
    assert_eq!(
        row.get::<Value, _>("limits")["storage_bytes"],
        json!(107_374_182_400_i64)
    );
    assert_eq!(row.get::<i64, _>("flags"), 9);
    assert_eq!(row.get::<i32, _>("seats"), 25);
    assert_eq!(row.get::<String, _>("person"), "invited");
    assert_eq!(
        row.get::<Vec<String>, _>("events"),
        [
            "de.revalenz.identity.user.invited.v1",
            "de.revalenz.tenancy.tenant.created.v1"
        ]
    );
    assert_eq!(
        row.get::<String, _>("log"),
        "superadmin tenancy.tenant.created"
    );
    let until = row.get::<chrono::DateTime<chrono::Utc>, _>("invited_until");
    assert_eq!(until - app.clock.now(), chrono::TimeDelta::days(7));
}

#[tokio::test]
async fn the_invitation_is_encrypted_and_only_its_hash_is_stored() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    let answer = staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201);
    let tenant: TenantId = answer.id().parse().unwrap();
    let row = sqlx::query(
        "select o.data, o.sealed, t.secret_hash, t.one_time_token_id
        from events.outbox o
        join identity.one_time_tokens t on t.tenant_id = o.tenant_id
        where o.tenant_id = $1 and o.sealed is not null",
    )
    .bind(tenant)
    .fetch_one(&mut app.admin().await)
    .await
    .unwrap();
    let sealed: Vec<u8> = row.get("sealed");
    let open =
        |keyring: &Keyring, context: &[u8]| keyring.open(Purpose::Notifications, context, &sealed);
    let text = open(app.state.keyring(), tenant.uuid().as_bytes()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let token = Opaque::<OneTimeToken>::parse(&text).unwrap();
    assert_eq!(token.tenant, tenant);
    assert_eq!(token.hash().to_vec(), row.get::<Vec<u8>, _>("secret_hash"));
    assert_eq!(
        row.get::<Value, _>("data")["one_time_token_id"],
        json!(token.row)
    );
    assert!(
        !answer.text().contains(&text),
        "the link is only in the email"
    );
    assert!(open(app.state.keyring(), b"another tenant").is_err());
}

#[tokio::test]
async fn a_slug_that_is_taken_leaves_nothing_behind() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201);
    let count = "select
        (select count(*) from access.tenants) + (select count(*) from tenancy.tenants) + (select count(*) from access.roles)
        + (select count(*) from access.people) + (select count(*) from events.outbox) + (select count(*) from access.audit_log)
        + (select count(*) from access.idempotency_keys) + (select count(*) from tenancy.licenses)";
    let mut admin = app.admin().await;
    let before: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    let refused = staff
        .with("idempotency-key", "again")
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect_problem(409, "slug_taken");
    assert_eq!(
        refused["detail"],
        "The slug muster is already taken. Choose a different one."
    );
    let after: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_repeated_request_creates_one_tenant() {
    let app = app().await;
    let staff = app
        .as_user(&app.superadmin().await)
        .with("idempotency-key", "muster-1");
    let first = staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201);
    let second = staff
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect(201);
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(first.json(), second.json());
    assert_eq!(first.header("location"), second.header("location"));
    staff
        .post("/api/v1/tenants", new_tenant("other"))
        .await
        .expect_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn the_chosen_values_are_applied() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    let mut body = new_tenant("muster");
    for (field, value) in [
        ("domain", json!("App.Muster.example")),
        ("locale", json!("en")),
        ("time_zone", json!("Europe/Zurich")),
        ("currency", json!("CHF")),
        ("license_type", json!("trial")),
        ("max_users", json!(3)),
        ("status", json!("trial")),
        ("features", json!({"ai": true, "files": false})),
    ] {
        body[field] = value;
    }
    let tenant = staff.post("/api/v1/tenants", body).await.expect(201);
    let id = tenant.id();
    let tenant = tenant.json();
    assert_eq!(tenant["domain"], "app.muster.example");
    assert_eq!(tenant["status"], "trial");
    let settings = staff
        .get(&format!("/api/v1/tenants/{id}/settings"))
        .await
        .expect(200)
        .json();
    assert_eq!(settings["settings"]["locale"], "en");
    let features = staff
        .get(&format!("/api/v1/tenants/{id}/features"))
        .await
        .expect(200)
        .json();
    let on: Vec<&str> = features["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|feature| feature["on"] == true)
        .map(|feature| feature["flag"].as_str().unwrap())
        .collect();
    assert_eq!(on, ["support", "ai"]);
}

#[tokio::test]
async fn all_errors_of_a_new_tenant_are_reported_at_once() {
    let app = app().await;
    let staff = app.as_user(&app.superadmin().await);
    let body = json!({
        "slug": "revalenz", "name": " ", "email": "nobody", "domain": "localhost", "locale": "fr", "time_zone": "Berlin",
        "currency": "euro", "region": "E U", "license_type": "free", "max_users": 0, "status": "closed",
        "features": {"teleport": true, "ai": 1}, "id": "x",
        "admin": {"email": "maria@muster.example", "given_name": "Maria\u{0}", "role": "superadmin"},
    });
    assert_eq!(
        wrong_fields(staff.post("/api/v1/tenants", body).await),
        [
            "/admin/family_name required",
            "/admin/given_name invalid_characters",
            "/admin/role unknown_field",
            "/currency invalid_format",
            "/domain invalid_format",
            "/email invalid_format",
            "/features/ai wrong_type",
            "/features/teleport unknown_field",
            "/id unknown_field",
            "/license_type not_one_of",
            "/locale invalid_format",
            "/max_users out_of_range",
            "/name too_short",
            "/region invalid_format",
            "/slug reserved",
            "/status not_one_of",
            "/time_zone invalid_format",
        ]
    );
}

#[tokio::test]
async fn only_staff_members_create_tenants() {
    let app = app().await;
    let demo = app.tenant("demo").await;
    for (_, person) in demo.people() {
        app.as_user(person)
            .post("/api/v1/tenants", new_tenant("muster"))
            .await
            .expect_problem(403, "forbidden");
    }
    // Not even a key whose scope was inserted directly.
    let key = app.key(access::REVALENZ, &["tenancy.tenant.create"]).await;
    key.post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect_problem(403, "forbidden");
    app.anonymous()
        .post("/api/v1/tenants", new_tenant("muster"))
        .await
        .expect_problem(401, "unauthenticated");
}
