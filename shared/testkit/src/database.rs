//! A database a test, cloned from a template that is made once a cluster.

use std::path::PathBuf;

use db::local::{Cluster, Durability};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

/// Password of the functions' logins in the disposable cluster, which only the loopback reaches.
const LOGIN_PASSWORD: &str = "testkit";
/// Any number that nobody else uses: one process at a time makes the template.
const TEMPLATE_LOCK: i64 = 7_205_759;

/// A database that is dropped at the end.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    name: String,
}

impl Database {
    /// A fresh, migrated one.
    pub async fn create() -> Self {
        let cluster = Cluster::ensure(&local_dir(), "test-postgres", Durability::Disposable)
            .await
            .expect("a local PostgreSQL for tests (make test says what is missing)");
        let mut admin = PgConnection::connect(&cluster.admin_url("postgres"))
            .await
            .expect("the test cluster answers");
        let template = ensure_template(&cluster, &mut admin).await;
        let name = format!(
            "test_{}",
            uuid::Uuid::from_bytes(access::opaque::random()).simple()
        );
        admin
            .execute(AssertSqlSafe(format!(
                "create database {name} template {template}"
            )))
            .await
            .expect("a clone of the template");
        admin.close().await.expect("closed");
        Self { cluster, name }
    }

    /// URL of the superuser, whom row-level security does not bind: for arranging and looking, never for acting.
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
    /// A clone is some 10 MB: hundreds of them would fill a laptop.
    fn drop(&mut self) {
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

/// `LOCAL_DIR`, or `.local` at the root of the workspace.
fn local_dir() -> PathBuf {
    web::settings::environment("LOCAL_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.local"),
        PathBuf::from,
    )
}

async fn ensure_template(cluster: &Cluster, admin: &mut PgConnection) -> String {
    let name = format!("template_{}", db::migrate::fingerprint());
    admin
        .execute(AssertSqlSafe(format!(
            "select pg_advisory_lock({TEMPLATE_LOCK})"
        )))
        .await
        .expect("the lock");
    // `datistemplate` is set last: a template without it was left half made.
    let ready: bool =
        sqlx::query("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(&name)
            .fetch_one(&mut *admin)
            .await
            .expect("the catalogue")
            .get(0);
    if !ready {
        sweep(admin).await;
        admin
            .execute(AssertSqlSafe(format!("create database {name}")))
            .await
            .expect("a database");
        let url = cluster.admin_url(&name);
        db::migrate::run(&url).await.expect("migrations run");
        for function in db::migrate::functions() {
            db::migrate::ensure_login(&url, &function, LOGIN_PASSWORD)
                .await
                .expect("a login");
        }
        admin
            .execute(AssertSqlSafe(format!(
                "alter database {name} is_template true"
            )))
            .await
            .expect("marked");
    }
    admin
        .execute(AssertSqlSafe(format!(
            "select pg_advisory_unlock({TEMPLATE_LOCK})"
        )))
        .await
        .expect("unlocked");
    name
}

/// Removes what earlier runs left: clones of killed tests, templates of older migrations.
async fn sweep(admin: &mut PgConnection) {
    let rows = sqlx::query(
        "select datname from pg_database d
        where datname ~ '^(test|template)_' and not exists (select from pg_stat_activity a where a.datname = d.datname)",
    )
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue");
    for row in rows {
        let name: String = row.get(0);
        let _ = admin
            .execute(AssertSqlSafe(format!(
                "alter database {name} is_template false"
            )))
            .await;
        let _ = admin
            .execute(AssertSqlSafe(format!("drop database if exists {name}")))
            .await;
    }
}
