//! A database for each test: leased from a pool of clones of one migrated template, or a clone of its own.

use std::path::PathBuf;

use db::local::{Cluster, Durability};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

mod lease;
mod template;

/// Password of the functions' logins in the test cluster. Logins are trusted on the loopback interface; older clusters check it.
const LOGIN_PASSWORD: &str = "testkit";

/// A migrated database without rows of other tests.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    name: String,
    /// The connection whose advisory lock is the lease; `None` for a clone, which is dropped at the end.
    lease: Option<PgConnection>,
}

impl Database {
    /// Leases an emptied database from the pool: 10 times faster than a clone (`docs/performance.md`).
    ///
    /// The lease ends with the process, so each test needs its own process, as with nextest. Under plain `cargo test`, where a
    /// task of an earlier test may still write, this falls back to [`Database::create`].
    pub async fn lease() -> Self {
        if web::settings::environment("NEXTEST").is_none() {
            return Self::create().await;
        }
        let (cluster, mut admin) = connect().await;
        let template = template::ensure(&cluster, &mut admin).await;
        let name = lease::take(&cluster, &mut admin, &template).await;
        Self {
            cluster,
            name,
            lease: Some(admin),
        }
    }

    /// Creates a clone, for tests that change roles, tables or functions.
    pub async fn create() -> Self {
        let (cluster, mut admin) = connect().await;
        let template = template::ensure(&cluster, &mut admin).await;
        let name = format!(
            "test_{}",
            uuid::Uuid::from_bytes(access::opaque::random()).simple()
        );
        template::clone(&mut admin, &template, &name).await;
        admin.close().await.expect("closed");
        Self {
            cluster,
            name,
            lease: None,
        }
    }

    /// URL of the superuser, who bypasses row-level security: to arrange and inspect data, never for the action under test.
    pub fn admin_url(&self) -> String {
        self.cluster.admin_url(&self.name)
    }

    /// URL of a function's own login.
    pub fn login_url(&self, function: &str) -> String {
        let (host, port) = (self.cluster.host(), self.cluster.port());
        format!(
            "postgres://rvz_{function}_login:{LOGIN_PASSWORD}@{host}:{port}/{}",
            self.name
        )
    }

    /// A superuser's connection.
    pub async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.admin_url())
            .await
            .expect("the test database answers")
    }
}

impl Drop for Database {
    /// A clone is about 10 MB: hundreds of them would fill the disk.
    fn drop(&mut self) {
        if self.lease.is_some() {
            return;
        }
        let (url, name) = (self.cluster.admin_url("postgres"), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&url).await.ok()?;
                admin
                    .execute(AssertSqlSafe(format!(
                        "drop database if exists {name} with (force)"
                    )))
                    .await
                    .ok()
            })
        });
        let _ = dropped.join();
    }
}

/// The test cluster, and a superuser's connection to `postgres`.
async fn connect() -> (Cluster, PgConnection) {
    let cluster = Cluster::ensure(&local_dir(), "test-postgres", Durability::Disposable)
        .await
        .expect("a local PostgreSQL for tests (make test says what is missing)");
    let admin = PgConnection::connect(&cluster.admin_url("postgres"))
        .await
        .expect("the test cluster answers");
    (cluster, admin)
}

/// `LOCAL_DIR`, or `.local` at the root of the workspace.
fn local_dir() -> PathBuf {
    web::settings::environment("LOCAL_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.local"),
        PathBuf::from,
    )
}

async fn is_true(connection: &mut PgConnection, query: String) -> bool {
    sqlx::query(AssertSqlSafe(query))
        .fetch_one(connection)
        .await
        .expect("the catalogue")
        .get(0)
}
