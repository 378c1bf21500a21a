//! A database with rows of two tenants in every table.

use ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, Error, Executor, PgConnection};
use testkit::{Database, TestApp};

use crate::rows::{self, Table};

/// SQLSTATE for a missing privilege or a policy violation.
pub(crate) const FORBIDDEN: &str = "42501";

/// A database with rows of two tenants in every table.
pub(crate) struct TwoTenants {
    /// The app with the database.
    pub(crate) app: TestApp,
    /// The tables.
    pub(crate) tables: Vec<Table>,
    /// One tenant.
    pub(crate) ours: TenantId,
    /// Another tenant.
    pub(crate) theirs: TenantId,
}

/// Creates the database and its rows.
pub(crate) async fn two_tenants() -> TwoTenants {
    let app = TestApp::new(&[]).await;
    let (ours, theirs) = (app.tenant("ours").await.id, app.tenant("theirs").await.id);
    let mut admin = app.admin().await;
    let tables = rows::tenant_tables(&mut admin).await;
    rows::fill(&mut admin, &tables, [ours, theirs]).await;
    TwoTenants {
        app,
        tables,
        ours,
        theirs,
    }
}

/// Connects with a function's login.
pub(crate) async fn login(database: &Database, function: &str) -> PgConnection {
    PgConnection::connect(&database.login_url(function))
        .await
        .unwrap()
}

/// The affected rows, or the error's code and message.
pub(crate) type AttemptResult = Result<u64, (String, String)>;

/// Runs a statement in a transaction that is rolled back.
pub(crate) async fn attempt(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    sql: &str,
) -> AttemptResult {
    let mut tx = connection.begin().await.unwrap();
    if let Some(tenant) = tenant {
        tx.execute(AssertSqlSafe(format!(
            "set local app.tenant_id = '{tenant}'"
        )))
        .await
        .unwrap();
    }
    let done = tx.execute(AssertSqlSafe(sql.to_owned())).await;
    tx.rollback().await.unwrap();
    match done {
        Ok(done) => Ok(done.rows_affected()),
        Err(Error::Database(error)) => Err((
            error.code().unwrap_or_default().into_owned(),
            error.message().to_owned(),
        )),
        Err(error) => panic!("{sql}: {error}"),
    }
}
