//! Migrations: roles, schema, logins.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, migrate::Migrator};

/// All migrations, compiled in.
static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");
/// Group roles, created before all tables.
const ROLES: &str = include_str!("../../../infra/postgres/roles.sql");
/// Maximum number of attempts when a migration meets a lock; each waits at most a second.
const MAX_ATTEMPTS: u32 = 10;

/// Why a migration failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A statement failed.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A migration failed, or an applied one has been changed.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// The latest migration compiled into this binary.
pub fn expected_version() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// A fingerprint of the set of migrations; changes with any of them.
pub fn fingerprint() -> String {
    use std::fmt::Write as _;
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for migration in MIGRATOR.iter() {
        context.update(&migration.checksum);
    }
    context.update(ROLES.as_bytes());
    context.finish().as_ref()[..8]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The functions that own a schema, from the migrations' names (`<version>_<function>__<what>`).
pub fn functions() -> BTreeSet<String> {
    MIGRATOR
        .iter()
        // sqlx turns underscores into spaces.
        .filter_map(|migration| {
            migration
                .description
                .split_once("  ")
                .map(|(function, _)| function.to_owned())
        })
        .filter(|function| !matches!(function.as_str(), "access" | "events"))
        .collect()
}

/// Applies pending migrations as the role `rvz_owner`. `url` belongs to an administrator.
pub async fn run(url: &str) -> Result<(), MigrateError> {
    let mut connection = connect(url).await?;
    connection.execute(sqlx::raw_sql(ROLES)).await?;
    for function in functions() {
        group_role(&mut connection, &function).await?;
    }
    connection.execute("set role rvz_owner").await?;
    connection.execute("set lock_timeout = '1s'").await?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match MIGRATOR.run_direct(None, &mut connection, false).await {
            Ok(()) => break,
            Err(error) if attempts < MAX_ATTEMPTS && is_lock_timeout(&error) => {
                tracing::warn!(attempts, "waiting for a lock");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(connection.close().await?)
}

/// How often a change of a role is tried.
const MAX_ROLE_ATTEMPTS: u32 = 20;
/// The pause between two attempts.
const ROLE_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Creates or updates the login of `function` with this password, and returns its name.
pub async fn ensure_login(
    url: &str,
    function: &str,
    password: &str,
) -> Result<String, MigrateError> {
    let mut connection = connect(url).await?;
    let login = format!("rvz_{function}_login");
    create_role(&mut connection, &login, "login inherit").await?;
    let change = format!(
        "alter role {login} password '{}'; grant rvz_{function} to {login}",
        password.replace('\'', "''")
    );
    let mut attempts = 1;
    while let Err(error) = connection.execute(AssertSqlSafe(change.clone())).await {
        if attempts == MAX_ROLE_ATTEMPTS || !is_concurrent_update(&error) {
            return Err(error.into());
        }
        attempts += 1;
        tokio::time::sleep(ROLE_RETRY_DELAY).await;
    }
    connection.close().await?;
    Ok(login)
}

/// Whether another process changed the same role at this moment. Roles belong to the whole server, so no lock of a database helps.
fn is_concurrent_update(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.message() == "tuple concurrently updated")
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect(url).await
}

async fn group_role(connection: &mut PgConnection, function: &str) -> Result<(), sqlx::Error> {
    let role = format!("rvz_{function}");
    create_role(connection, &role, "nologin inherit").await?;
    connection
        .execute(AssertSqlSafe(format!("grant rvz_app to {role}")))
        .await?;
    Ok(())
}

/// Function names come from our own file names, so they need no escaping.
async fn create_role(
    connection: &mut PgConnection,
    role: &str,
    options: &str,
) -> Result<(), sqlx::Error> {
    connection
        .execute(AssertSqlSafe(format!(
            "do $$ begin \
               if not exists (select from pg_roles where rolname = '{role}') then create role {role} {options}; end if; \
             exception when duplicate_object or unique_violation then null; end $$"
        )))
        .await?;
    Ok(())
}

fn is_lock_timeout(error: &sqlx::migrate::MigrateError) -> bool {
    use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
    match error {
        Execute(error) | ExecuteMigration(error, _) => error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == "55P03"),
        _ => false,
    }
}
