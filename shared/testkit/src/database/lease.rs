//! The pool of clones. A process leases a clone with an advisory lock, which PostgreSQL releases when the process ends.
//!
//! A clone is cleaned when it is leased, as a killed process cleans nothing: connections of the previous holder are terminated,
//! rows deleted, sequences reset, and rows of migrations restored. A clone with a changed schema (a table, policy or grant) is
//! dropped, as tests rely on the schema.

use std::{fmt::Write as _, time::Duration};

use db::local::Cluster;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{is_true, template};

/// First half of the advisory lock keys, an arbitrary unique number; the second half is the clone's number.
const LEASE_LOCKS: i32 = 7_205_760;
/// More than the number of concurrent tests of any run.
const MAX_LEASES: i32 = 64;
/// Time limit for connections of the previous holder to end.
const END_OF_CONNECTIONS: Duration = Duration::from_secs(10);

/// Leases a free clone, or creates one, and cleans it. Returns its name.
pub(super) async fn take(cluster: &Cluster, admin: &mut PgConnection, template: &str) -> String {
    let number = lock(admin).await;
    let name = format!(
        "lease_{number}_{}",
        template.trim_start_matches("template_")
    );
    end_connections(admin, &name).await;
    let url = cluster.admin_url(&name);
    let exists = format!("select exists (select from pg_database where datname = '{name}')");
    if is_true(admin, exists).await {
        if clean(&url).await {
            return name;
        }
        admin
            .execute(AssertSqlSafe(format!("drop database {name} with (force)")))
            .await
            .expect("dropped");
    }
    template::clone(admin, template, &name).await;
    prepare(&url).await;
    name
}

async fn lock(admin: &mut PgConnection) -> i32 {
    for number in 0..MAX_LEASES {
        let attempt = format!("select pg_try_advisory_lock({LEASE_LOCKS}, {number})");
        if is_true(admin, attempt).await {
            return number;
        }
    }
    panic!("{MAX_LEASES} databases are leased: more tests at once than expected");
}

/// Terminates connections of the previous holder and waits for them, as a running transaction could still commit.
async fn end_connections(admin: &mut PgConnection, database: &str) {
    let ended = async {
        loop {
            let left: i64 = sqlx::query(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1",
            )
            .bind(database)
            .fetch_one(&mut *admin)
            .await
            .expect("the activity")
            .get(0);
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(END_OF_CONNECTIONS, ended)
        .await
        .expect("connections of the last test end");
}

/// A fingerprint that changes with every table, column, constraint, index, policy, function, trigger, grant or setting: each
/// such statement writes new row versions in the catalogue.
const CATALOGUE: &str = "
    select md5(string_agg(versions, ',' order by versions)) from (
        select 'class ' || coalesce(sum(oid::int8 + xmin::text::int8), 0) from pg_class where relpersistence <> 't'
        union all select 'attribute ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_attribute
        union all select 'constraint ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_constraint
        union all select 'index ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_index
        union all select 'policy ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_policy
        union all select 'procedure ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_proc
        union all select 'trigger ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_trigger
        union all select 'namespace ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_namespace
        union all select 'database ' || datconnlimit || datallowconn || coalesce(datacl::text, '')
            from pg_database where datname = current_database()
        union all select 'setting ' || coalesce(sum(xmin::text::int8), 0) || count(*) from pg_db_role_setting
            where setdatabase = (select oid from pg_database where datname = current_database())
    ) as parts (versions)";

/// Stores what cleaning needs in a new clone: the rows inserted by migrations, and the catalogue fingerprint.
async fn prepare(url: &str) {
    let mut own = PgConnection::connect(url).await.expect("the clone");
    let tables = strings(
        &mut own,
        "select format('%I.%I', schemaname, tablename) from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema', 'public') order by 1",
    )
    .await;
    let mut deletions = String::new();
    let mut restorations = String::new();
    own.execute("create schema testkit")
        .await
        .expect("a schema");
    own.execute(
        "create table testkit.migrated_rows (table_name text not null, content jsonb not null)",
    )
    .await
    .expect("a table");
    for table in &tables {
        let _ = writeln!(deletions, "delete from {table};");
        if is_true(&mut own, format!("select exists (select from {table})")).await {
            own.execute(AssertSqlSafe(format!(
                "insert into testkit.migrated_rows select '{table}', to_jsonb(r) from {table} r"
            )))
            .await
            .expect("a copy");
            let _ = writeln!(
                restorations,
                "insert into {table} overriding system value
                select (jsonb_populate_record(null::{table}, content)).* from testkit.migrated_rows where table_name = '{table}';"
            );
        }
    }
    let sequences = strings(
        &mut own,
        "select format('perform setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
            coalesce(last_value, start_value), last_value is not null)
        from pg_sequences where schemaname <> 'public' order by 1",
    )
    .await
    .join(";\n");
    // As a replica, foreign keys and triggers are disabled, so the order of tables does not matter.
    own.execute(AssertSqlSafe(format!(
        "create function testkit.clean() returns void language plpgsql set session_replication_role = replica as $clean$
        begin
            {deletions}{restorations}{sequences}{end}
        end
        $clean$",
        end = if sequences.is_empty() { "" } else { ";" },
    )))
    .await
    .expect("a function");
    own.execute("create table testkit.catalogue (versions text not null)")
        .await
        .expect("a table");
    own.execute(AssertSqlSafe(format!(
        "insert into testkit.catalogue {CATALOGUE}"
    )))
    .await
    .expect("its versions");
    own.close().await.expect("closed");
}

/// Empties a clone; `false` if its schema has changed.
async fn clean(url: &str) -> bool {
    let Ok(mut own) = PgConnection::connect(url).await else {
        return false;
    };
    // An incomplete clone does not have this table.
    let same = sqlx::query(AssertSqlSafe(format!(
        "select versions = ({CATALOGUE}) from testkit.catalogue"
    )))
    .fetch_optional(&mut own)
    .await
    .ok()
    .flatten()
    .is_some_and(|row| row.get(0));
    if same {
        own.execute("select testkit.clean()")
            .await
            .expect("cleaned");
    }
    own.close().await.expect("closed");
    same
}

async fn strings(connection: &mut PgConnection, query: &'static str) -> Vec<String> {
    sqlx::query(query)
        .fetch_all(connection)
        .await
        .expect("the catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect()
}
