//! The migrated template database, created once per set of migrations.

use db::local::Cluster;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::{LOGIN_PASSWORD, is_true};

/// An arbitrary unique lock key: one process at a time creates the template.
const TEMPLATE_LOCK: i64 = 7_205_759;

/// Creates the template if missing, and returns its name.
pub(super) async fn ensure(cluster: &Cluster, admin: &mut PgConnection) -> String {
    let name = format!("template_{}", db::migrate::fingerprint());
    // `datistemplate` is set last: a template without it is incomplete.
    let ready = format!(
        "select exists (select from pg_database where datname = '{name}' and datistemplate)"
    );
    if is_true(admin, ready.clone()).await {
        return name;
    }
    let lock = format!("select pg_advisory_lock({TEMPLATE_LOCK})");
    admin.execute(AssertSqlSafe(lock)).await.expect("the lock");
    if !is_true(admin, ready).await {
        make(cluster, admin, &name).await;
    }
    let unlock = format!("select pg_advisory_unlock({TEMPLATE_LOCK})");
    admin
        .execute(AssertSqlSafe(unlock))
        .await
        .expect("unlocked");
    name
}

async fn make(cluster: &Cluster, admin: &mut PgConnection, name: &str) {
    sweep(admin).await;
    admin
        .execute(AssertSqlSafe(format!("create database {name}")))
        .await
        .expect("a database");
    let url = cluster.admin_url(name);
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

/// Copies the template as files rather than through the write-ahead log, as the cluster is not crash-safe anyway.
pub(super) async fn clone(admin: &mut PgConnection, template: &str, name: &str) {
    admin
        .execute(AssertSqlSafe(format!(
            "create database {name} template {template} strategy file_copy"
        )))
        .await
        .expect("a clone of the template");
}

/// Removes leftovers of earlier runs: clones of killed tests, templates of older migrations and their clones.
async fn sweep(admin: &mut PgConnection) {
    let rows = sqlx::query(
        "select datname from pg_database d
        where datname ~ '^(test|template|lease)_' and not exists (select from pg_stat_activity a where a.datname = d.datname)",
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
