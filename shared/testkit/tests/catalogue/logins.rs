//! What the functions' own logins see and may do: real connections, statements without any `tenant_id = $1`.

use ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{
    filled::{FORBIDDEN, Filled, Tried, attempt, filled, login},
    rows::Table,
};

/// What the login may do with the table as a whole: `select`, `insert`, `update`, `delete`.
async fn may(connection: &mut PgConnection, table: &Table, privilege: &str) -> bool {
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
fn assert_locked(attempt: Tried, what: &str) {
    match attempt {
        Err((code, message)) if code == FORBIDDEN && message.contains("row-level security") => {}
        other => panic!("{what} was not refused by row-level security: {other:?}"),
    }
}

#[tokio::test]
async fn without_a_tenant_a_login_sees_nothing_and_writes_nothing() {
    let Filled {
        app,
        tables,
        ours,
        theirs,
    } = filled().await;
    let (mut looks, mut refusals) = (0, 0);
    for function in db::migrate::functions() {
        let mut connection = login(&app.database, &function).await;
        for setting in ["reset app.tenant_id", "set app.tenant_id = ''"] {
            connection.execute(setting).await.unwrap();
            for table in &tables {
                let what = format!("{function} on {} after `{setting}`", table.name);
                if may(&mut connection, table, "select").await {
                    assert_eq!(rows_of(&mut connection, table).await, [], "{what}");
                    looks += 1;
                }
                if may(&mut connection, table, "insert").await {
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
                    // To name a column in an update is to read it.
                    if may(&mut connection, table, privilege).await
                        && may(&mut connection, table, "select").await
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
    println!("without a tenant: {looks} looks saw 0 rows, {refusals} writes changed 0 rows");
    assert!(looks > 0 && refusals > 0);
}

#[tokio::test]
async fn with_a_tenant_a_login_sees_and_writes_that_tenant_alone() {
    let Filled {
        app,
        tables,
        ours,
        theirs,
    } = filled().await;
    let (mut looks, mut refusals) = (0, 0);
    for function in db::migrate::functions() {
        let mut connection = login(&app.database, &function).await;
        for table in &tables {
            let what = format!("{function} on {}", table.name);
            let mut tx = connection.begin().await.unwrap();
            tx.execute(AssertSqlSafe(format!("set local app.tenant_id = '{ours}'")))
                .await
                .unwrap();
            let readable = may(&mut tx, table, "select").await;
            if readable {
                let seen = rows_of(&mut tx, table).await;
                assert!(
                    !seen.is_empty() && seen.iter().all(|tenant| *tenant == ours),
                    "{what} saw {seen:?}"
                );
                looks += 1;
            }
            let (inserts, updates) = (
                may(&mut tx, table, "insert").await,
                may(&mut tx, table, "update").await,
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
                    &format!("{what}: giving a row away"),
                );
                refusals += 1;
            }
        }
    }
    println!(
        "with a tenant: {looks} looks saw 0 foreign rows, {refusals} foreign writes were refused"
    );
    assert!(looks > 0 && refusals > 0);
}

#[tokio::test]
async fn a_login_cannot_read_or_write_the_schema_of_another_function() {
    let Filled {
        app, tables, ours, ..
    } = filled().await;
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
    println!("foreign schemas and roles: {refusals} tries, all refused");
    assert!(refusals > 0);
}
