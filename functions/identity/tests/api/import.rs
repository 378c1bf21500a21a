//! Importing users from another system.

use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse};

use super::{announced, audited, count, demo, execute, try_login};

/// Hash of the password `U*U`, from the test vectors of `crypt_blowfish`.
const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

async fn send(client: &Client, query: &str, media: &str, body: impl Into<String>) -> TestResponse {
    client
        .call(http::Method::POST, &format!("/api/v1/users/import{query}"))
        .header("content-type", media)
        .bytes(body.into())
        .send()
        .await
}

async fn import(client: &Client, query: &str, csv: impl Into<String>) -> Value {
    send(client, query, "text/csv", csv)
        .await
        .expect(200)
        .json()
}

/// New, changed, unchanged, refused.
fn counts(report: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

async fn users(app: &TestApp) -> i64 {
    count(
        app,
        "select count(*) from identity.users where email like '%@new.example'",
    )
    .await
}

#[tokio::test]
async fn imported_passwords_work_and_are_rehashed_at_the_first_sign_in() {
    let (app, demo) = demo().await;
    let admin = app.as_user(&demo.admin);
    let file = format!(
        "\u{feff}email;given_name;family_name;role;locale;phone;password_hash\r\n\
        Ada@New.example;Ada;\"Love\"\"lace\";expert;de;+49 30 1234567;{HASH}\r\n\
        bob@new.example;Bob;=1+1;;;;\r\n"
    );
    let dry = import(&admin, "?dry_run=true", file.as_str()).await;
    assert_eq!(
        (&dry["dry_run"], counts(&dry)),
        (&json!(true), [2, 0, 0, 0])
    );
    assert_eq!(users(&app).await, 0, "a dry run changes nothing");
    let planned = json!({"line": 2, "outcome": "created", "id": null, "number": null});
    assert_eq!(dry["results"][0], planned);
    assert_eq!(audited(&app, "identity.user.imported").await, 0);
    let done = import(&admin, "", file.as_str()).await;
    assert_eq!(
        (&done["dry_run"], counts(&done)),
        (&json!(false), [2, 0, 0, 0])
    );
    // Each row's identifier, new or known.
    let again = import(&admin, "", file.as_str()).await;
    for (row, known) in [0, 1].map(|row| (&done["results"][row], &again["results"][row])) {
        let path = format!("/api/v1/users/{}", row["id"].as_str().unwrap());
        admin.get(&path).await.expect(200);
        assert_eq!(
            (&known["id"], &known["outcome"]),
            (&row["id"], &json!("unchanged"))
        );
    }
    let again = import(&admin, "", file.as_str()).await;
    assert_eq!(counts(&again), [0, 0, 2, 0]);
    assert_eq!(users(&app).await, 2);
    assert_eq!(audited(&app, "identity.user.imported").await, 2);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.imported.v1").await,
        1
    );
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.invited.v1").await,
        0,
        "no mails"
    );

    try_login(&app, "demo", "ada@new.example", "U*V")
        .await
        .expect_problem(401, "invalid_credentials");
    let tokens = try_login(&app, "demo", "ada@new.example", "U*U")
        .await
        .expect(200)
        .json();
    let ada = &tokens["user"];
    assert_eq!(
        (&ada["role"], &ada["family_name"]),
        (&json!("expert"), &json!("Love\"lace"))
    );
    assert_eq!(
        (&ada["status"], &ada["locale"]),
        (&json!("active"), &json!("de"))
    );
    let renewed = "select count(*) from identity.users where email = 'ada@new.example' and password_hash like '$argon2id$%'";
    assert_eq!(count(&app, renewed).await, 1);
    try_login(&app, "demo", "ada@new.example", "U*U")
        .await
        .expect(200);
    try_login(&app, "demo", "bob@new.example", "U*U")
        .await
        .expect_problem(401, "invalid_credentials");
    // The import does not restore the old hash.
    import(&admin, "", file).await;
    assert_eq!(count(&app, renewed).await, 1);
}

#[tokio::test]
async fn errors_are_reported_by_line_in_the_callers_language() {
    let (app, demo) = demo().await;
    let admin = app.as_user(&demo.admin);
    let file = format!(
        "email,name,role,status,password_hash\n\
        no address,A B,,,\n\
        ok@new.example,\"A\nB\",,,\n\
        fine@new.example,Fine One,customer,,\n\
        fine@new.example,Fine Two,customer,,\n\
        king@new.example,King,emperor,,\n\
        ,No One,,,\n\
        hash@new.example,Ha Sh,,,{}\n\
        both@new.example,Bo Th,,invited,{HASH}\n\
        short@new.example,x\n\
        super@new.example,Su Per,superadmin,,\n",
        HASH.replacen("$05$", "$31$", 1),
    );
    let report = import(&admin, "", file.as_str()).await;
    assert_eq!(counts(&report), [1, 0, 0, 9]);
    let refusals: Vec<String> = report["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let error = &row["errors"][0];
            let [pointer, code] = ["pointer", "code"].map(|name| error[name].as_str().unwrap());
            format!("{} {pointer} {code}", row["line"])
        })
        .collect();
    assert_eq!(
        refusals,
        [
            "2 /email invalid_format",
            "3 /name invalid_characters",
            "6 /email duplicate",
            "7 /role not_one_of",
            "8 /email required",
            "9 /password_hash bcrypt_cost",
            "10 /password_hash hash_of_invited",
            "11  column_count",
            "12 /role not_one_of",
        ]
    );
    let german = admin
        .clone()
        .with("accept", "text/plain")
        .with("accept-language", "de");
    let page = send(&german, "?dry_run=true", "text/csv", file)
        .await
        .expect(200);
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
    let text = page.text();
    assert!(
        text.starts_with("Probelauf: Es wurde nichts geändert.\n10 Zeilen: 0 angelegt, 0 geändert, 1 unverändert, 9 abgelehnt.\nZeile 2: /email: "),
        "{text}"
    );
}

#[tokio::test]
async fn existing_users_are_updated_except_role_status_and_password() {
    let (app, demo) = demo().await;
    let admin = app.as_user(&demo.admin);
    import(
        &admin,
        "",
        format!("email,name,password_hash\nada@new.example,Ada Byron,{HASH}\n"),
    )
    .await;
    let other = HASH.replacen("E5YPO9", "X5YPO9", 1);
    let file =
        format!("email,family_name,status,password_hash\nada@new.example,King,locked,{other}\n");
    assert_eq!(
        counts(&import(&admin, "?dry_run=true", file.as_str()).await),
        [0, 1, 0, 0]
    );
    assert_eq!(
        counts(&import(&admin, "", file.as_str()).await),
        [0, 1, 0, 0]
    );
    assert_eq!(counts(&import(&admin, "", file).await), [0, 0, 1, 0]);
    let row = count(
        &app,
        "select count(*) from identity.users u join access.people p using (tenant_id, user_id)
        where u.email = 'ada@new.example' and u.display_name = 'Ada King' and p.display_name = 'Ada King' and u.status = 'active' and u.version = 2",
    );
    assert_eq!(row.await, 1);
    try_login(&app, "demo", "ada@new.example", "U*U")
        .await
        .expect(200);
    let role = import(&admin, "", "email,role\nada@new.example,admin\n").await;
    assert_eq!(role["refusals"][0]["errors"][0]["code"], "other_role");
}

#[tokio::test]
async fn the_seats_of_the_licence_are_respected_row_by_row() {
    let (app, demo) = demo().await;
    execute(
        &app,
        "update access.tenants set max_users = 8 where slug = 'demo'",
    )
    .await;
    let admin = app.as_user(&demo.admin);
    let file = "email,name,status\n\
        p0@new.example,P 0,\np1@new.example,P 1,\np2@new.example,P 2,\np3@new.example,P 3,\n\
        gone@new.example,Go Ne,disabled\n";
    let dry = import(&admin, "?dry_run=true", file).await;
    assert_eq!(counts(&dry), [3, 0, 0, 2]);
    let done = import(&admin, "", file).await;
    assert_eq!(done["refusals"], dry["refusals"]);
    assert_eq!(done["refusals"][0]["errors"][0]["code"], "seats_exhausted");
    assert_eq!(users(&app).await, 3, "two of six seats and one without");
}

#[tokio::test]
async fn invitations_are_sent_only_on_request() {
    let (app, demo) = demo().await;
    let admin = app.as_user(&demo.admin);
    let rows = json!([
        {"email": "new@new.example", "name": "Ne W"},
        {"email": "there@new.example", "name": "The Re", "status": "active"},
    ]);
    let body = rows.to_string();
    send(
        &admin,
        "?dry_run=true&invite=true",
        "application/json",
        body.as_str(),
    )
    .await
    .expect(200);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.invited.v1").await,
        0
    );
    let done = send(&admin, "?invite=true", "application/json", body)
        .await
        .expect(200);
    assert_eq!(counts(&done.json()), [2, 0, 0, 0]);
    assert_eq!(
        announced(&app, "de.revalenz.identity.user.invited.v1").await,
        1
    );
}

#[tokio::test]
async fn batches_and_concurrent_imports_create_each_user_once() {
    let (app, demo) = demo().await;
    let lines: Vec<String> = (0..1_100)
        .map(|n| {
            json!({"email": format!("p{n}@new.example"), "name": format!("P {n}")}).to_string()
        })
        .collect();
    // A previous import was interrupted after one batch.
    let (first, lines) = (lines[..500].join("\n"), lines.join("\n"));
    let admin = app.as_user(&demo.admin);
    execute(&app, "update access.tenants set max_users = 5000").await;
    send(&admin, "", "application/x-ndjson", first)
        .await
        .expect(200);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (client, lines) = (admin.clone(), lines.clone());
        running.spawn(async move {
            loop {
                let answer = send(&client, "", "application/x-ndjson", lines.as_str()).await;
                // The other request holds the lock: retry, as a client would.
                if answer.status != 503 {
                    break answer.expect(200).json();
                }
            }
        });
    }
    for report in running.join_all().await {
        let [created, updated, unchanged, refused] = counts(&report);
        assert_eq!((created + unchanged, updated, refused), (1_100, 0, 0));
    }
    assert_eq!(users(&app).await, 1_100);
    let mirrored = "select count(*) from access.people where email like '%@new.example'";
    assert_eq!(count(&app, mirrored).await, 1_100);
    assert_eq!(audited(&app, "identity.user.imported").await, 1_100);
}

#[tokio::test]
async fn imports_require_permission_and_a_list() {
    let (app, demo) = demo().await;
    let other = app.tenant("other").await;
    let file = "email,name\na@new.example,A B\n";
    send(&app.as_user(&demo.manager), "", "text/csv", file)
        .await
        .expect_problem(403, "forbidden");
    let key = app.key(demo.id, &["identity.user.import"]).await;
    let report = send(&key, "", "text/csv", file).await.expect(200).json();
    // An API key cannot grant a role with more permissions than its own.
    assert_eq!(
        report["refusals"][0]["errors"][0]["code"],
        "role_too_powerful"
    );
    let admin = app.as_user(&demo.admin);
    for (media, body, status, code) in [
        ("text/html", "", 415, "unsupported_media_type"),
        ("application/json", "{}", 400, "invalid_json"),
        ("text/csv", "", 400, "invalid_csv"),
        ("text/csv", "email,who\n", 422, "validation_failed"),
    ] {
        send(&admin, "", media, body)
            .await
            .expect_problem(status, code);
    }
    let long = format!("email,name\n{}", "x".repeat(17 << 20));
    send(&admin, "", "text/csv", long)
        .await
        .expect_problem(413, "too_large");
    let many = format!("email,name\n{}", ",\n".repeat(2_001));
    send(&admin, "", "text/csv", many)
        .await
        .expect_problem(413, "too_many_rows");
    send(&admin, "?dry_run=perhaps", "text/csv", file)
        .await
        .expect_problem(422, "validation_failed");
    // The same address in another organisation belongs to a different user.
    for tenant in [&demo, &other] {
        let report = import(&app.as_user(&tenant.admin), "", file).await;
        assert_eq!(counts(&report), [1, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_row_for_a_disabled_user_is_refused() {
    let (app, demo) = demo().await;
    let admin = app.as_user(&demo.admin);
    let file = "email,name,status\ngone@new.example,Go Ne,disabled\n";
    import(&admin, "", file).await;
    // The same file again changes nothing.
    assert_eq!(counts(&import(&admin, "", file).await), [0, 0, 1, 0]);
    for status in ["active", "invited", ""] {
        let file = format!("email,name,status\ngone@new.example,Go Ne,{status}\n");
        let report = import(&admin, "", file).await;
        assert_eq!(counts(&report), [0, 0, 0, 1], "{status}");
        assert_eq!(report["refusals"][0]["errors"][0]["code"], "disabled");
    }
}
