//! Roles and functions that can see more than one tenant.

use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::fixture::{TwoTenants, attempt, login, two_tenants};

#[tokio::test]
async fn definer_functions_only_return_rows_of_the_current_tenant() {
    let TwoTenants { app, ours, .. } = two_tenants().await;
    let mut admin = app.admin().await;
    // Both tenants have a matching ticket.
    admin
        .execute("update support.tickets set number = 1, title = 'Wasserhahn'")
        .await
        .unwrap();
    let mut support = login(&app.database, "support").await;
    let sql = "select * from support.search_tickets('wasserhahn')";
    assert_eq!(attempt(&mut support, None, sql).await, Ok(0));
    assert_eq!(attempt(&mut support, Some(ours), sql).await, Ok(1));

    let mut tenancy = login(&app.database, "tenancy").await;
    let sql = "select tenant_id from tenancy.all_tenants(null, null, null, null, 10)";
    assert_eq!(attempt(&mut tenancy, None, sql).await, Ok(0));
    assert_eq!(attempt(&mut tenancy, Some(ours), sql).await, Ok(0));
    assert!(
        attempt(&mut tenancy, Some(access::REVALENZ), sql)
            .await
            .unwrap()
            >= 3
    );
}

#[tokio::test]
async fn dumps_and_backfills_see_all_tenants_and_the_owner_sees_none() {
    let TwoTenants { app, tables, .. } = two_tenants().await;
    let mut admin = app.admin().await;
    for table in &tables {
        for (role, sees) in [
            ("rvz_dumper", true),
            ("rvz_migrator", true),
            ("rvz_owner", false),
        ] {
            let mut tx = admin.begin().await.unwrap();
            tx.execute(AssertSqlSafe(format!("set local role {role}")))
                .await
                .unwrap();
            let count: i64 = tx
                .fetch_one(AssertSqlSafe(format!(
                    "select count(distinct tenant_id) from {}",
                    table.name
                )))
                .await
                .unwrap()
                .get(0);
            assert_eq!(
                count >= 2,
                sees,
                "{role} counts {count} tenants in {}",
                table.name
            );
            assert!(
                sees || count == 0,
                "{role} counts {count} tenants in {}",
                table.name
            );
            tx.rollback().await.unwrap();
        }
    }
}
