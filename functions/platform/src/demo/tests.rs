//! Tests of the demo on a real database.

use std::{fs, path::PathBuf};

use http::Method;

use super::{client::ApiRequest, *};
use crate::{environment::Exposure, functions, secrets};

/// A database with all functions, and an empty folder.
struct TestDemo {
    database: testkit::Database,
    folder: PathBuf,
    demo: Demo,
}

impl TestDemo {
    async fn new() -> Self {
        let database = testkit::Database::create().await;
        let pools = functions::ALL.iter().map(|function| {
            let url = database.login_url(function.name);
            (function.name, db::Db::connect_lazy(&url, 4).unwrap())
        });
        let folder = std::env::temp_dir().join(format!("rvz-{}", secrets::password()));
        fs::create_dir(&folder).unwrap();
        let demo = Demo {
            database: Database::from_pools(database.admin_url(), pools.collect()),
            keyring: Keyring::parse(&Keyring::generate()).unwrap(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            environment: crate::environment::of_functions(Exposure::Local, &folder),
            clock: Clock::fixed_at("2026-11-20T10:00:00Z".parse().unwrap()),
            load_tenants: true,
            max_tickets: 3,
        };
        Self {
            database,
            folder,
            demo,
        }
    }

    async fn prepare(&self) -> SignIns {
        self.demo.prepare(&self.folder).await.unwrap()
    }

    async fn count(&self, table: &str) -> i64 {
        let query = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(&mut self.database.admin().await)
            .await
            .unwrap()
    }

    /// Asserts that everyone can sign in and that the API keys can list tickets.
    async fn assert_everyone_can_sign_in(&self, sign_ins: &SignIns) {
        let mut client = self.demo.client(self.demo.clock.now()).unwrap();
        assert!(
            client
                .can_sign_in(&sign_ins.superadmin_account())
                .await
                .unwrap()
        );
        for (slug, tenant) in &sign_ins.tenants {
            for (person, user) in &tenant.users {
                let account = sign_ins.account(slug, person).unwrap();
                assert!(
                    client.can_sign_in(&account).await.unwrap(),
                    "{slug} {person}"
                );
                let me = ApiRequest::new(Method::GET, "/me");
                let me = client.call(Some(&account), me).await.unwrap();
                let id = user.id.unwrap().to_string();
                assert_eq!(me.success().unwrap().body["id"], id);
            }
            let key = format!("Bearer {}", tenant.api_key.as_deref().unwrap());
            let tickets = ApiRequest::new(Method::GET, "/tickets").header("authorization", key);
            let tickets = client.call(None, tickets).await.unwrap().success().unwrap();
            assert_eq!(tickets.items().count(), 3, "{slug}");
        }
    }
}

impl Drop for TestDemo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn the_demo_is_loaded_once_and_everyone_can_sign_in_with_the_file() {
    let test = TestDemo::new().await;
    let first = test.prepare().await;
    test.assert_everyone_can_sign_in(&first).await;
    let file = fs::read_to_string(test.folder.join("demo.json")).unwrap();
    let again = test.prepare().await;
    assert_eq!(again.rows(), first.rows());
    assert_eq!(
        fs::read_to_string(test.folder.join("demo.json")).unwrap(),
        file
    );
    assert_eq!(test.count("support.tickets").await, 6);
    assert!(!test.folder.join("demo.loading.json").exists());
}

#[tokio::test]
async fn without_the_file_passwords_are_reset_and_tickets_stay() {
    let test = TestDemo::new().await;
    let first = test.prepare().await;
    fs::remove_file(test.folder.join("demo.json")).unwrap();
    let second = test.prepare().await;
    assert_ne!(second.rows(), first.rows());
    test.assert_everyone_can_sign_in(&second).await;
    assert_eq!(test.count("support.tickets").await, 6);
    assert_eq!(test.count("identity.users").await, 13);
}

#[tokio::test]
async fn an_interrupted_load_continues_without_duplicates() {
    let test = TestDemo::new().await;
    let uninterrupted = TestDemo::new().await;
    uninterrupted.prepare().await;

    // Interrupt at two arbitrary moments, then let it finish.
    for milliseconds in [400, 900] {
        let limit = std::time::Duration::from_millis(milliseconds);
        let interrupted = tokio::time::timeout(limit, test.demo.prepare(&test.folder)).await;
        assert!(interrupted.is_err() || test.folder.join("demo.json").exists());
    }
    test.prepare().await;
    for table in [
        "support.tickets",
        "support.ticket_comments",
        "support.ticket_history",
        "access.tenants",
        "identity.users",
    ] {
        assert_eq!(
            test.count(table).await,
            uninterrupted.count(table).await,
            "{table}"
        );
    }
}

#[tokio::test]
async fn without_the_demo_only_the_superadmin_exists() {
    let mut test = TestDemo::new().await;
    test.demo.load_tenants = false;
    let sign_ins = test.prepare().await;
    assert_eq!(sign_ins.rows().len(), 1);
    test.assert_everyone_can_sign_in(&sign_ins).await;
    assert_eq!(test.count("access.tenants").await, 1);
}

#[test]
fn steps_lie_between_the_creation_of_their_tenant_and_now() {
    let monday: DateTime<Utc> = "2026-11-16T00:30:00Z".parse().unwrap();
    for hour in 0..7 * 24 {
        let now = monday + chrono::TimeDelta::hours(hour);
        let scripts = script::tenants(now, usize::MAX).unwrap();
        assert_eq!(scripts.len(), 2);
        for script in scripts {
            assert!(script.steps.len() > 400, "{}", script.slug);
            let (_, first) = &script.steps[0];
            assert_eq!(first.request().unwrap().1, "/tenants");
            let last = script.steps.last().unwrap().0;
            assert!(
                last <= now && now - last < chrono::TimeDelta::days(4),
                "{now}"
            );
        }
    }
}
