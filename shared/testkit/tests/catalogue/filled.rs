//! A database with something of two tenants in every table, and logins that try things on it.

use ids::TenantId;
use sqlx::{AssertSqlSafe, Connection, Error, Executor, PgConnection};
use testkit::{Database, TestApp};

use crate::rows::{self, Table};

/// PostgreSQL's code for what is not allowed, by grant or by policy.
pub(crate) const FORBIDDEN: &str = "42501";

/// A database with rows of two tenants in every table.
pub(crate) struct Filled {
    /// Where it is.
    pub(crate) app: TestApp,
    /// Its tables.
    pub(crate) tables: Vec<Table>,
    /// A tenant.
    pub(crate) ours: TenantId,
    /// Another.
    pub(crate) theirs: TenantId,
}

/// Makes one.
pub(crate) async fn filled() -> Filled {
    let app = TestApp::new(&[]).await;
    let (ours, theirs) = (app.tenant("ours").await.id, app.tenant("theirs").await.id);
    let mut admin = app.admin().await;
    let tables = rows::tenant_tables(&mut admin).await;
    rows::fill(&mut admin, &tables, [ours, theirs]).await;
    Filled {
        app,
        tables,
        ours,
        theirs,
    }
}

/// A connection of a function.
pub(crate) async fn login(database: &Database, function: &str) -> PgConnection {
    PgConnection::connect(&database.login_url(function))
        .await
        .unwrap()
}

/// What came of a try: rows touched, or the refusal's code and message.
pub(crate) type Tried = Result<u64, (String, String)>;

/// Tries in a transaction of its own that is rolled back.
pub(crate) async fn attempt(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    sql: &str,
) -> Tried {
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
