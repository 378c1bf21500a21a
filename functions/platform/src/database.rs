//! PostgreSQL for all functions: finds or starts it, migrates it, and opens one login and one small pool per function.

use std::{fmt::Write as _, path::Path};

use access::{Keyring, Purpose};
use db::{
    Db,
    local::{Cluster, Durability},
    migrate,
};
use events::Context;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use web::settings::SecretString;

use crate::{Error, settings::Settings};

/// Name of the private cluster of a running platform.
const CLUSTER: &str = "postgres";
/// Name of the cluster for temporary databases; tests use it too.
const SCRATCH_CLUSTER: &str = "test-postgres";

/// The database of a platform.
#[derive(Clone)]
pub struct Database {
    admin_url: String,
    logins: Vec<(&'static str, SecretString)>,
    pools: Vec<(&'static str, Db)>,
}

/// Finds or starts PostgreSQL; returns an administrator's URL.
pub async fn find_or_start(settings: &Settings, local_dir: &Path) -> Result<String, Error> {
    if let Some(url) = &settings.database_url {
        return Ok(url.expose().to_owned());
    }
    let cluster = Cluster::ensure(local_dir, CLUSTER, Durability::Safe).await?;
    Ok(cluster.admin_url("postgres"))
}

impl Database {
    /// Migrates the database and opens each function's pool. Migrations run first because they create the roles.
    pub async fn open(
        admin_url: String,
        functions: &[&'static Context],
        keyring: &Keyring,
        connections: u32,
    ) -> Result<Self, Error> {
        let name = current_database(&admin_url).await?;
        migrate::run(&admin_url).await?;
        let mut pools = Vec::new();
        let mut logins = Vec::new();
        for function in functions {
            let password = login_password(keyring, function.name);
            let login = migrate::ensure_login(&admin_url, function.name, &password).await?;
            let url = login_url(&admin_url, &name, &login, &password);
            pools.push((function.name, Db::connect_lazy(&url, connections)?));
            logins.push((function.name, SecretString::new(url)));
        }
        Ok(Self {
            admin_url,
            logins,
            pools,
        })
    }

    /// Wraps a database that is already migrated.
    #[cfg(test)]
    pub fn from_pools(admin_url: String, pools: Vec<(&'static str, Db)>) -> Self {
        Self {
            admin_url,
            logins: Vec::new(),
            pools,
        }
    }

    /// Returns the URL of each function's login.
    pub fn logins(&self) -> &[(&'static str, SecretString)] {
        &self.logins
    }

    /// Updates the metrics of every pool.
    pub fn record_pool_metrics(&self) {
        for (function, pool) in &self.pools {
            pool.record_metrics(function);
        }
    }

    /// Returns the pool of a function.
    pub fn pool_of(&self, function: &str) -> Result<Db, Error> {
        self.pools
            .iter()
            .find(|(name, _)| *name == function)
            .map(|(_, db)| db.clone())
            .ok_or_else(|| format!("function {function} is not part of this process").into())
    }

    /// Returns the pool through which the shared state reads tenants, people and keys, which every login may read.
    pub fn shared_pool(&self) -> Result<Db, Error> {
        let first = self.pools.first().map(|(_, db)| db.clone());
        first.ok_or_else(|| "no function is part of this process".into())
    }

    /// Checks that the pool of every function reaches the database.
    pub async fn check_ready(&self) -> Result<(), String> {
        for (name, db) in &self.pools {
            db.ready()
                .await
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    /// Opens an administrator's connection that sees the rows of every tenant. Only for data that no endpoint returns.
    pub async fn administrator(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect(&self.admin_url).await?;
        connection.execute("set role rvz_migrator").await?;
        Ok(connection)
    }

    /// Returns the address without credentials.
    pub fn display_url(&self) -> &str {
        let address = self
            .admin_url
            .rsplit_once('@')
            .map_or(self.admin_url.as_str(), |(_, address)| address);
        // Parameters may contain a password.
        address.split('?').next().unwrap_or_default()
    }

    /// Closes every connection.
    pub async fn close(&self) {
        for (_, db) in &self.pools {
            db.close().await;
        }
    }
}

async fn current_database(admin_url: &str) -> Result<String, Error> {
    let mut connection = PgConnection::connect(admin_url)
        .await
        .map_err(|error| format!("cannot connect to the database: {error}"))?;
    let name = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(name)
}

/// Derives the password of a login from the master key, so that it is the same at every start.
fn login_password(keyring: &Keyring, function: &str) -> String {
    let tag = keyring.mac(Purpose::DatabaseLogins, function.as_bytes());
    tag.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the administrator's URL for another login. Query parameters take precedence over the rest of the URL, so a missing
/// host (a socket) and special characters in the old credentials do not matter. The database is explicit because its default is
/// the name of the login.
fn login_url(admin_url: &str, database: &str, login: &str, password: &str) -> String {
    let separator = if admin_url.contains('?') { '&' } else { '?' };
    format!(
        "{admin_url}{separator}user={login}&password={password}&dbname={}",
        percent_encode(database)
    )
}

fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Creates a migrated, empty database, runs `read` on it, and drops it.
pub async fn with_scratch_database<T>(
    settings: &Settings,
    read: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let name = format!("scratch_{}", std::process::id());
    let (server, url) = if let Some(given) = &settings.database_url {
        let url = given.expose().to_owned();
        let separator = if url.contains('?') { '&' } else { '?' };
        (url.clone(), format!("{url}{separator}dbname={name}"))
    } else {
        let folder = crate::secrets::local_dir(settings)?;
        let cluster = Cluster::ensure(folder, SCRATCH_CLUSTER, Durability::Disposable).await?;
        (cluster.admin_url("postgres"), cluster.admin_url(&name))
    };
    let mut admin = PgConnection::connect(&server).await?;
    let drop = format!("drop database if exists {name} with (force)");
    admin.execute(AssertSqlSafe(drop.clone())).await?;
    admin
        .execute(AssertSqlSafe(format!("create database {name}")))
        .await?;
    let result = async {
        migrate::run(&url).await?;
        let mut connection = PgConnection::connect(&url).await?;
        let value = read(&mut connection).await?;
        connection.close().await?;
        Ok(value)
    }
    .await;
    admin.execute(AssertSqlSafe(drop)).await?;
    admin.close().await?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_url_changes_only_the_login() {
        assert_eq!(
            login_url("postgres://a:b@h:1/d", "d", "rvz_x_login", "ff"),
            "postgres://a:b@h:1/d?user=rvz_x_login&password=ff&dbname=d"
        );
        assert_eq!(
            login_url(
                "postgres:///?host=/run/pg&sslmode=disable",
                "my db",
                "l",
                "p"
            ),
            "postgres:///?host=/run/pg&sslmode=disable&user=l&password=p&dbname=my%20db"
        );
    }

    #[test]
    fn login_passwords_are_distinct_and_stable() {
        let ring = Keyring::parse(&Keyring::generate()).unwrap();
        assert_eq!(
            login_password(&ring, "support"),
            login_password(&ring, "support")
        );
        assert_ne!(
            login_password(&ring, "support"),
            login_password(&ring, "identity")
        );
        assert_eq!(login_password(&ring, "support").len(), 64);
    }
}
