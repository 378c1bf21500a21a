//! What every list has, from the list tool: identifiers, changes since a token, CSV, and all wrong parameters at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Client, TestApp, TestResponse, isolation::TenantFixture};

use crate::isolation::{create_app, seed_tenant};

/// Lists without the list tool, each with the reason.
const EXEMPT: &[(&str, &str)] = &[
    (
        "/api/v1/auth/providers",
        "for everyone, before there is a caller",
    ),
    (
        "/internal/dead-letters",
        "for operators, over all organisations",
    ),
    (
        "/api/v1/users/{id}/expertise",
        "one document, replaced as a whole",
    ),
    (
        "/api/v1/users/{id}/rates",
        "one document, replaced as a whole",
    ),
    (
        "/api/v1/tenants/{id}/features",
        "one document, replaced as a whole",
    ),
    ("/api/v1/features", "the flags of the caller, all of them"),
];

/// The paths of all operations that return items, and of those among them that have the list tool.
fn lists(app: &TestApp) -> (BTreeSet<String>, Vec<String>) {
    let document: Value = serde_json::to_value(app.document()).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut all = BTreeSet::new();
    let mut tooled = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let body = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        let name = body["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next());
        let schema = name.map_or(body, |name| &schemas[name]);
        if schema["properties"]["items"].is_object() {
            all.insert(path.clone());
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let mut names = parameters.filter_map(|parameter| parameter["name"].as_str());
        if names.any(|name| name == "sync") {
            tooled.push(path.clone());
        }
    }
    (all, tooled)
}

fn id_of(item: &Value) -> String {
    let id = item.get("id").or(item.get("name"));
    id.and_then(Value::as_str).unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(id_of)
        .collect()
}

async fn csv(client: &Client, path: &str) -> TestResponse {
    let call = client
        .call(http::Method::GET, path)
        .header("accept", "text/csv");
    call.send().await.expect(200)
}

#[tokio::test]
async fn every_list_has_identifiers_changes_and_tables() {
    let (app, demo, other) = create_app().await;
    let (own, foreign) = (
        seed_tenant(&app, &demo).await,
        seed_tenant(&app, &other).await,
    );
    let admin = app.as_user(&demo.admin);
    let (all, tooled) = lists(&app);
    let exempt: BTreeSet<String> = EXEMPT.iter().map(|(path, _)| (*path).to_owned()).collect();
    let without: BTreeSet<String> = all
        .iter()
        .filter(|path| !tooled.contains(path))
        .cloned()
        .collect();
    assert_eq!(without, exempt, "every list has the list tool, or a reason");
    assert!(tooled.len() >= 18, "{tooled:?}");

    let mut filled = 0;
    for path in &tooled {
        let list = List::of(path, &admin, &own, demo.id.to_string());
        let page = list.get("limit=200&count=true").await;
        let here = ids(&page);
        assert_eq!(page["total"], here.len(), "{path}");
        if let Some(first) = here.first() {
            filled += 1;
            list.check_identifiers(first, &foreign).await;
        }
        list.check_tables(&here).await;
        list.check_changes(&here).await;
        list.check_refusals().await;
    }
    assert!(filled >= 13, "{filled} lists had items");
}

/// A list as the admin sees it.
struct List<'a> {
    client: &'a Client,
    template: &'a str,
    path: String,
}

impl<'a> List<'a> {
    fn of(template: &'a str, client: &'a Client, own: &TenantFixture, tenant: String) -> Self {
        let before = template.split("/{id}").next().unwrap_or_default();
        let parent = match before.rsplit('/').next() {
            Some("tenants") | None => None,
            Some(owner) => own.ids.get(owner).and_then(|ids| ids.first().cloned()),
        };
        Self {
            client,
            template,
            path: template.replace("{id}", &parent.unwrap_or(tenant)),
        }
    }

    fn with(&self, query: &str) -> String {
        format!("{}?{query}", self.path)
    }

    async fn get(&self, query: &str) -> Value {
        let answer = self.client.get(&self.with(query)).await;
        answer.expect(200).json()
    }

    /// A foreign identifier, and one that does not exist, are left out.
    async fn check_identifiers(&self, first: &str, foreign: &TenantFixture) {
        let resource = self.template.rsplit('/').next().unwrap_or_default();
        let theirs = foreign.ids.get(resource).and_then(|ids| ids.first());
        let nobodys = uuid::Uuid::from_u128(7).to_string();
        let theirs = theirs.unwrap_or(&nobodys);
        let page = self.get(&format!("ids={first},{theirs},{nobodys}")).await;
        assert_eq!(ids(&page), [first], "{}", self.path);
    }

    /// A table has the same columns on every page.
    async fn check_tables(&self, here: &[String]) {
        let path = self.template;
        let table = csv(self.client, &self.with("limit=200")).await;
        let media = "text/csv; charset=utf-8";
        assert_eq!(table.header("content-type"), media, "{path}");
        let file = table.header("content-disposition");
        assert!(file.ends_with(".csv\""), "{path}");
        let text = table.text();
        let header = text.split("\r\n").next().unwrap_or_default();
        let mut columns = header.split(',');
        assert!(
            columns.any(|column| column == "id" || column == "name"),
            "{path}: {header}"
        );
        if here.len() > 1 {
            let first = csv(self.client, &self.with("limit=1")).await;
            let link = first.header("link").to_owned();
            let (next, _) = link[1..].split_once('>').unwrap();
            let second = self.client.get(next).await.expect(200);
            assert_eq!(second.header("content-type"), media, "{path}");
            assert!(second.text().starts_with(header), "{path}");
            assert_ne!(first.text(), second.text(), "{path}");
        }
    }

    /// First everything, page by page; then only what changed.
    async fn check_changes(&self, here: &[String]) {
        let path = self.template;
        let mut seen = BTreeSet::new();
        let mut cursor = String::new();
        let token = loop {
            let page = self.get(&format!("sync=&limit=3{cursor}")).await;
            let deleted = page["deleted"].as_array();
            assert!(deleted.is_some_and(Vec::is_empty), "{path}");
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break page["next_sync"].as_str().unwrap().to_owned(),
            }
        };
        assert_eq!(seen, here.iter().cloned().collect(), "{path}");
        let again = self.get(&format!("sync={token}")).await;
        assert!(again["next_sync"].is_string(), "{path}");
        let forged = self.client.get(&self.with(&format!("sync={token}x"))).await;
        forged.expect_problem(400, "invalid_cursor");
    }

    async fn check_refusals(&self) {
        let path = self.template;
        let wrong = "limit=0&count=perhaps&nosuch=1&format=pdf";
        let refused = self.client.get(&self.with(wrong)).await;
        let refused = refused.expect_problem(422, "validation_failed");
        assert_eq!(refused["errors"].as_array().unwrap().len(), 4, "{path}");
        let refused = self.client.get(&self.with("sync=&ids=x&count=true")).await;
        let refused = refused.expect_problem(422, "validation_failed");
        for error in refused["errors"].as_array().unwrap() {
            assert_eq!(error["code"], "not_with_sync", "{path}");
        }
        assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{path}");
        let call = self.client.call(http::Method::GET, &self.path);
        let refused = call.header("accept", "application/xml").send().await;
        refused.expect_problem(406, "not_acceptable");
    }
}

/// What is deleted is reported, whether the row is marked or removed.
#[tokio::test]
async fn deleted_items_are_reported() {
    let (app, demo, _) = create_app().await;
    let own = seed_tenant(&app, &demo).await;
    let admin = app.as_user(&demo.admin);
    let id = |resource: &str| own.ids[resource][0].clone();
    let role = json!({"name": "Desk", "base_role": "expert", "permissions": {}});
    let role = admin.post("/api/v1/roles", role).await.expect(201).id();
    let comments = format!("/api/v1/tickets/{}/comments", id("tickets"));
    let domains = format!("/api/v1/tenants/{}/domains", demo.id);
    let domain = json!({"host": "app.lists.example"});
    let domain = admin.post(&domains, domain).await.expect(201).id();
    let comment = admin.get(&comments).await.expect(200).json();
    let comment = id_of(&comment["items"][0]);
    let lists = [
        (
            comments.clone(),
            comment.clone(),
            format!("{comments}/{comment}"),
        ),
        (
            "/api/v1/tickets".to_owned(),
            id("tickets"),
            format!("/api/v1/tickets/{}", id("tickets")),
        ),
        (
            "/api/v1/roles".to_owned(),
            role.clone(),
            format!("/api/v1/roles/{role}"),
        ),
        (
            domains.clone(),
            domain.clone(),
            format!("{domains}/{domain}"),
        ),
        (
            "/api/v1/api-keys".to_owned(),
            id("api-keys"),
            format!("/api/v1/api-keys/{}", id("api-keys")),
        ),
    ];
    for (list, id, target) in lists {
        let before = admin.get(&format!("{list}?sync=")).await.expect(200).json();
        assert!(ids(&before).contains(&id), "{list}");
        let token = before["next_sync"].as_str().unwrap();
        app.clock.advance(std::time::Duration::from_secs(2));
        admin.delete(&target).await.expect(204);
        let after = admin
            .get(&format!("{list}?sync={token}"))
            .await
            .expect(200)
            .json();
        let deleted = after["deleted"].as_array().unwrap();
        assert!(
            deleted.iter().any(|one| one["id"] == id.as_str()),
            "{list}: {after}"
        );
        assert!(!ids(&after).contains(&id), "{list}");
        let table = csv(&admin, &format!("{list}?sync={token}")).await;
        assert!(
            table.text().contains(&id) && table.text().starts_with("deleted,"),
            "{list}"
        );
    }
    let customer = app.as_user(&demo.customer);
    customer
        .get("/api/v1/tickets?sync=")
        .await
        .expect_problem(403, "sync_not_available");
}

/// A transaction that commits late carries a time that was passed already.
#[tokio::test]
async fn a_change_that_commits_late_is_not_lost() {
    let (app, demo, _) = create_app().await;
    let customer = app.as_user(&demo.customer);
    let create = async |title: &str| {
        let body = json!({"title": title, "description": "x"});
        customer
            .post("/api/v1/tickets", body)
            .await
            .expect(201)
            .id()
    };
    let late = create("late").await;
    let mut connection = app.admin().await;
    let mut open = sqlx::Connection::begin(&mut connection).await.unwrap();
    app.clock.advance(std::time::Duration::from_secs(5));
    sqlx::query(
        "update support.tickets set title = 'changed', updated_at = $2 where ticket_id = $1::uuid",
    )
    .bind(&late)
    .bind(app.clock.now())
    .execute(&mut *open)
    .await
    .unwrap();
    app.clock.advance(std::time::Duration::from_secs(50));
    create("newer").await;
    // A session would not last as long as the token.
    let key = app.key(demo.id, &["support.ticket.read"]).await;
    let page = key.get("/api/v1/tickets?sync=").await.expect(200).json();
    let token = page["next_sync"].as_str().unwrap();
    open.commit().await.unwrap();
    let page = key
        .get(&format!("/api/v1/tickets?sync={token}"))
        .await
        .expect(200)
        .json();
    let items = page["items"].as_array().unwrap();
    let changed = items
        .iter()
        .find(|item| item["id"] == late.as_str())
        .unwrap();
    assert_eq!(changed["title"], "changed");
    app.clock.advance(std::time::Duration::from_hours(91 * 24));
    key.get(&format!("/api/v1/tickets?sync={token}"))
        .await
        .expect_problem(410, "sync_expired");
}

#[tokio::test]
async fn several_values_of_a_filter_and_formulas() {
    let (app, demo, _) = create_app().await;
    for (title, tag) in [("=HYPERLINK(1)", "a"), ("two", "b"), ("three", "c")] {
        let body = json!({"title": title, "description": "x", "tags": [tag]});
        app.as_user(&demo.expert)
            .post("/api/v1/tickets", body)
            .await
            .expect(201);
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let admin = app.as_user(&demo.admin);
    let page = admin
        .get("/api/v1/tickets?tag=a,c&sort=created")
        .await
        .expect(200)
        .json();
    let titles: Vec<&Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["title"])
        .collect();
    assert_eq!(titles, ["=HYPERLINK(1)", "three"]);
    let table = csv(&admin, "/api/v1/tickets?tag=a").await;
    assert!(
        table.text().contains(",'=HYPERLINK(1),"),
        "{}",
        table.text()
    );
    let page = admin
        .get("/api/v1/tickets?tag=a&assigned_to=none,me")
        .await
        .expect(200)
        .json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}
