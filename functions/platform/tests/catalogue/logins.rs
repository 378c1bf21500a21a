//! What the functions' logins can see and do, with real connections and statements without `tenant_id = $1`.

use ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{
    fixture::{AttemptResult, FORBIDDEN, TwoTenants, attempt, login, two_tenants},
    rows::Table,
};

/// Whether the login has a table privilege: `select`, `insert`, `update` or `delete`.
async fn has_privilege(connection: &mut PgConnection, table: &Table, privilege: &str) -> bool {
    sqlx::query_scalar(
        "select has_schema_privilege(split_part($1, '.', 1), 'usage') and has_table_privilege($1, $2)",
    )
    .bind(&table.name)
    .bind(privilege)
    .fetch_one(connection)
    .await
    .unwrap()
}

async fn rows_of(connection: &mut PgConnection, table: &Table) -> Vec<TenantId> {
    let sql = format!("select tenant_id from {}", table.name);
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .unwrap()
}

#[track_caller]
fn assert_locked(attempt: AttemptResult, what: &str) {
    match attempt {
        Err((code, message)) if code == FORBIDDEN && message.contains("row-level security") => {}
        other => panic!("{what} was not refused by row-level security: {other:?}"),
    }
}

#[tokio::test]
async fn without_a_tenant_a_login_sees_nothing_and_writes_nothing() {
    let TwoTenants {
        app,
        tables,
        ours,
        theirs,
    } = two_tenants().await;
    let (mut reads, mut refusals) = (0, 0);
    for function in db::migrate::functions() {
        let mut connection = login(&app.database, &function).await;
        for setting in ["reset app.tenant_id", "set app.tenant_id = ''"] {
            connection.execute(setting).await.unwrap();
            for table in &tables {
                let what = format!("{function} on {} after `{setting}`", table.name);
                if has_privilege(&mut connection, table, "select").await {
                    assert_eq!(rows_of(&mut connection, table).await, [], "{what}");
                    reads += 1;
                }
                if has_privilege(&mut connection, table, "insert").await {
                    for tenant in [ours, theirs] {
                        assert_locked(
                            attempt(&mut connection, None, &table.insert(tenant)).await,
                            &what,
                        );
                        refusals += 1;
                    }
                }
                for (privilege, sql) in [
                    (
                        "update",
                        format!("update {} set tenant_id = tenant_id", table.name),
                    ),
                    ("delete", format!("delete from {}", table.name)),
                ] {
                    // Naming a column in an update requires `select`.
                    if has_privilege(&mut connection, table, privilege).await
                        && has_privilege(&mut connection, table, "select").await
                    {
                        assert_eq!(
                            attempt(&mut connection, None, &sql).await,
                            Ok(0),
                            "{what}: {privilege}"
                        );
                        refusals += 1;
                    }
                }
            }
        }
    }
    println!("without a tenant: {reads} reads returned 0 rows, {refusals} writes changed 0 rows");
    assert!(reads > 0 && refusals > 0);
}

#[tokio::test]
async fn with_a_tenant_a_login_sees_and_writes_that_tenant_alone() {
    let TwoTenants {
        app,
        tables,
        ours,
        theirs,
    } = two_tenants().await;
    let (mut reads, mut refusals) = (0, 0);
    for function in db::migrate::functions() {
        let mut connection = login(&app.database, &function).await;
        for table in &tables {
            let what = format!("{function} on {}", table.name);
            let mut tx = connection.begin().await.unwrap();
            tx.execute(AssertSqlSafe(format!("set local app.tenant_id = '{ours}'")))
                .await
                .unwrap();
            let readable = has_privilege(&mut tx, table, "select").await;
            if readable {
                let seen = rows_of(&mut tx, table).await;
                assert!(
                    !seen.is_empty() && seen.iter().all(|tenant| *tenant == ours),
                    "{what} saw {seen:?}"
                );
                reads += 1;
            }
            let (inserts, updates) = (
                has_privilege(&mut tx, table, "insert").await,
                has_privilege(&mut tx, table, "update").await,
            );
            tx.rollback().await.unwrap();
            if inserts {
                let foreign = attempt(&mut connection, Some(ours), &table.insert(theirs)).await;
                assert_locked(foreign, &format!("{what}: a foreign row"));
                refusals += 1;
            }
            if updates && readable {
                let sql = format!("update {} set tenant_id = '{theirs}'", table.name);
                assert_locked(
                    attempt(&mut connection, Some(ours), &sql).await,
                    &format!("{what}: moving a row to another tenant"),
                );
                refusals += 1;
            }
        }
    }
    println!(
        "with a tenant: {reads} reads returned 0 foreign rows, {refusals} foreign writes were refused"
    );
    assert!(reads > 0 && refusals > 0);
}

#[tokio::test]
async fn a_login_cannot_read_or_write_the_schema_of_another_function() {
    let TwoTenants {
        app, tables, ours, ..
    } = two_tenants().await;
    let mut refusals = 0;
    for function in db::migrate::functions() {
        let mut connection = login(&app.database, &function).await;
        for table in tables
            .iter()
            .filter(|table| !table.is_shared() && !table.is_of(&function))
        {
            for sql in [
                format!("select from {}", table.name),
                format!("delete from {}", table.name),
                format!("truncate {}", table.name),
                table.insert(ours),
            ] {
                match attempt(&mut connection, Some(ours), &sql).await {
                    Err((code, message))
                        if code == FORBIDDEN && message.starts_with("permission denied") =>
                    {
                        refusals += 1;
                    }
                    other => panic!("{function} was not refused `{sql}`: {other:?}"),
                }
            }
        }
        for role in ["rvz_owner", "rvz_migrator", "rvz_definer", "rvz_dumper"] {
            assert!(
                attempt(&mut connection, None, &format!("set role {role}"))
                    .await
                    .is_err(),
                "{function} became {role}"
            );
            refusals += 1;
        }
    }
    println!("foreign schemas and roles: {refusals} attempts, all refused");
    assert!(refusals > 0);
}
