//! The demo on a real database.

use std::{fs, path::PathBuf};

use super::*;
use crate::secrets;

/// A database with all functions and an empty folder.
struct Place {
    database: testkit::Database,
    folder: PathBuf,
    demo: Demo,
}

impl Place {
    async fn new() -> Self {
        let database = testkit::Database::create().await;
        let pools = functions::ALL.iter().map(|function| {
            let url = database.login_url(function.name);
            (function.name, db::Db::lazy(&url, 4).unwrap())
        });
        let folder = std::env::temp_dir().join(format!("rvz-{}", secrets::password()));
        fs::create_dir(&folder).unwrap();
        let demo = Demo {
            database: Database::ready_made(database.admin_url(), pools.collect()),
            keyring: Keyring::parse(&Keyring::generate()).unwrap(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            objects: Objects {
                folder: folder.join("objects"),
                scanner: files::Scanner::Trusting,
            },
            clock: Clock::standing_at("2026-11-20T10:00:00Z".parse().unwrap()),
            tenants: true,
            tickets: 3,
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

    /// Everybody signs in, and the keys read tickets.
    async fn try_everybody(&self, sign_ins: &SignIns) {
        let mut world = self.demo.world(self.demo.clock.now()).unwrap();
        assert!(world.can_sign_in(&staff(sign_ins)).await.unwrap());
        for (slug, tenant) in &sign_ins.tenants {
            for (person, user) in &tenant.users {
                let account = cast::account(slug, tenant, person).unwrap();
                assert!(
                    world.can_sign_in(&account).await.unwrap(),
                    "{slug} {person}"
                );
                let me = world.get(&account, "/me").await.unwrap().success().unwrap();
                assert_eq!(me.id::<ids::UserId>().unwrap(), user.id.unwrap());
            }
            let key = tenant.api_key.as_deref().unwrap();
            let tickets = world.with_token(key, "/tickets").await.unwrap();
            let items = tickets.success().unwrap().body["items"].clone();
            assert_eq!(items.as_array().unwrap().len(), 3, "{slug}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn it_is_loaded_once_and_everybody_can_sign_in_with_what_the_file_says() {
    let place = Place::new().await;
    let first = place.prepare().await;
    place.try_everybody(&first).await;
    let file = fs::read_to_string(place.folder.join("demo.json")).unwrap();
    let again = place.prepare().await;
    assert_eq!(again.rows(), first.rows());
    assert_eq!(
        fs::read_to_string(place.folder.join("demo.json")).unwrap(),
        file
    );
    assert_eq!(place.count("support.tickets").await, 6);
    assert!(!place.folder.join("demo.loading.json").exists());
}

#[tokio::test]
async fn a_lost_file_means_new_passwords_and_the_same_tickets() {
    let place = Place::new().await;
    let first = place.prepare().await;
    fs::remove_file(place.folder.join("demo.json")).unwrap();
    let second = place.prepare().await;
    assert_ne!(second.rows(), first.rows());
    place.try_everybody(&second).await;
    assert_eq!(place.count("support.tickets").await, 6);
    assert_eq!(place.count("identity.users").await, 13);
}

#[tokio::test]
async fn a_load_that_was_cut_off_goes_on_and_does_nothing_twice() {
    let place = Place::new().await;
    let whole = Place::new().await;
    whole.prepare().await;

    // Cut off wherever it stands at that moment; then again; then it may finish.
    for milliseconds in [400, 900] {
        let limit = std::time::Duration::from_millis(milliseconds);
        let cut = tokio::time::timeout(limit, place.demo.prepare(&place.folder)).await;
        assert!(cut.is_err() || place.folder.join("demo.json").exists());
    }
    place.prepare().await;
    for table in [
        "support.tickets",
        "support.ticket_comments",
        "support.ticket_history",
        "access.tenants",
        "identity.users",
    ] {
        assert_eq!(
            place.count(table).await,
            whole.count(table).await,
            "{table}"
        );
    }
}

#[tokio::test]
async fn without_a_demo_there_is_the_superadmin_alone() {
    let mut place = Place::new().await;
    place.demo.tenants = false;
    let sign_ins = place.prepare().await;
    assert_eq!(sign_ins.rows().len(), 1);
    place.try_everybody(&sign_ins).await;
    assert_eq!(place.count("access.tenants").await, 1);
}
