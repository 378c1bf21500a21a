//! PostgreSQL for all functions: found or started, brought up to date, one login and one small pool a function.

use std::{fmt::Write as _, path::Path};

use access::{Keyring, Purpose};
use db::{
    Db,
    local::{Cluster, Durability},
    migrate,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use web::settings::Hidden;

use crate::{Error, functions::Function, settings::Settings};

/// The private cluster of a running platform.
const CLUSTER: &str = "postgres";
/// The cluster for whatever may be thrown away; tests use it too.
const SCRATCH_CLUSTER: &str = "test-postgres";

/// The database of a platform.
#[derive(Clone)]
pub struct Database {
    admin_url: String,
    logins: Vec<(&'static str, Hidden)>,
    pools: Vec<(&'static str, Db)>,
}

/// Finds or starts PostgreSQL; answers an administrator's URL.
pub async fn find(settings: &Settings, local_dir: &Path) -> Result<String, Error> {
    if let Some(url) = &settings.database_url {
        return Ok(url.expose().to_owned());
    }
    let cluster = Cluster::ensure(local_dir, CLUSTER, Durability::Safe).await?;
    Ok(cluster.admin_url("postgres"))
}

impl Database {
    /// Brings the database up to date and opens each function's pool. Migrations first: they make the roles.
    pub async fn open(
        admin_url: String,
        functions: &[Function],
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
            pools.push((function.name, Db::lazy(&url, connections)?));
            logins.push((function.name, Hidden::new(url)));
        }
        Ok(Self {
            admin_url,
            logins,
            pools,
        })
    }

    /// A database that is ready already, with these pools.
    #[cfg(test)]
    pub fn ready_made(admin_url: String, pools: Vec<(&'static str, Db)>) -> Self {
        Self {
            admin_url,
            logins: Vec::new(),
            pools,
        }
    }

    /// Each function with the URL of its own login.
    pub fn logins(&self) -> &[(&'static str, Hidden)] {
        &self.logins
    }

    /// Sets the gauges of every pool.
    pub fn measure(&self) {
        for (function, pool) in &self.pools {
            pool.measure(function);
        }
    }

    /// A function's access to its data. Every composed function has one.
    pub fn of(&self, function: &str) -> Result<Db, Error> {
        self.pools
            .iter()
            .find(|(name, _)| *name == function)
            .map(|(_, db)| db.clone())
            .ok_or_else(|| format!("{function} is not composed").into())
    }

    /// Whether every function gets an answer from its database.
    pub async fn ready(&self) -> Result<(), String> {
        for (name, db) in &self.pools {
            db.ready()
                .await
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    /// An administrator's connection that sees the rows of every tenant: only for what no endpoint tells.
    pub async fn administrator(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect(&self.admin_url).await?;
        connection.execute("set role rvz_migrator").await?;
        Ok(connection)
    }

    /// Where it is, without credentials.
    pub fn place(&self) -> &str {
        let behind = self
            .admin_url
            .rsplit_once('@')
            .map_or(self.admin_url.as_str(), |(_, place)| place);
        // Parameters may hold a password.
        behind.split('?').next().unwrap_or_default()
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
        .map_err(|error| format!("the database does not answer: {error}"))?;
    let name = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(name)
}

/// The same at every start, and unknown to whoever lacks the master key.
fn login_password(keyring: &Keyring, function: &str) -> String {
    let tag = keyring.authenticate(Purpose::DatabaseLogins, function.as_bytes());
    tag.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// The administrator's URL for another login. Parameters behind the question mark count more than what stands before it,
/// so neither a missing host (a socket) nor odd characters in the old credentials matter. The database is named because
/// a URL without one means the database that is called like the login.
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

/// Runs `read` on a database that has all migrations and nothing else, and drops it.
pub async fn on_scratch<T>(
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
    let answer = async {
        migrate::run(&url).await?;
        let mut connection = PgConnection::connect(&url).await?;
        let answer = read(&mut connection).await?;
        connection.close().await?;
        Ok(answer)
    }
    .await;
    admin.execute(AssertSqlSafe(drop)).await?;
    admin.close().await?;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_url_overrides_only_who_connects() {
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
    fn logins_have_different_passwords_that_stay() {
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
