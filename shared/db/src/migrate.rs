//! Bringing a database up to date: roles, migrations, logins.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, migrate::Migrator};

/// All migrations, compiled in.
static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");
/// Group roles that are older than every table.
const ROLES: &str = include_str!("../../../infra/postgres/roles.sql");
/// How often a migration that met a lock is tried again; each try waits at most a second for the lock.
const TRIES: u32 = 10;

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A statement failed.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A migration failed, or one that was applied has been changed since.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// The newest migration that this binary knows.
pub fn expected_version() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// Names the set of migrations: another one when any of them differs.
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

/// The functions that own a schema, told by the migrations' names (`<version>_<function>__<what>`).
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

/// Runs what is missing, as the role `rvz_owner`. `url` is an administrator's.
pub async fn run(url: &str) -> Result<(), MigrateError> {
    let mut connection = connect(url).await?;
    connection.execute(sqlx::raw_sql(ROLES)).await?;
    for function in functions() {
        group_role(&mut connection, &function).await?;
    }
    connection.execute("set role rvz_owner").await?;
    connection.execute("set lock_timeout = '1s'").await?;
    let mut tries = 0;
    loop {
        tries += 1;
        match MIGRATOR.run_direct(None, &mut connection, false).await {
            Ok(()) => break,
            Err(error) if tries < TRIES && is_lock_timeout(&error) => {
                tracing::warn!(tries, "a lock is held, trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(connection.close().await?)
}

/// Gives `function` a login of its own with this password, and returns the login's name.
pub async fn ensure_login(
    url: &str,
    function: &str,
    password: &str,
) -> Result<String, MigrateError> {
    let mut connection = connect(url).await?;
    let login = format!("rvz_{function}_login");
    create_role(&mut connection, &login, "login inherit").await?;
    connection
        .execute(AssertSqlSafe(format!(
            "alter role {login} password '{}'; grant rvz_{function} to {login}",
            password.replace('\'', "''")
        )))
        .await?;
    connection.close().await?;
    Ok(login)
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

/// Function names come from file names of ours, so they are plain words.
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
