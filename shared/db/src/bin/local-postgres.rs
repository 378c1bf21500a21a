//! The local PostgreSQL from the command line, for the Makefile and its scripts.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use db::local::{Cluster, Durability};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const USAGE: &str = "\
local-postgres start [options]   start the cluster if necessary and print its URL
local-postgres stop  [options]   stop the cluster
local-postgres url   [options]   print the URL; fails if the cluster is not running
local-postgres fresh [options]   start the cluster, recreate the database and print its URL

  --local-dir FOLDER   folder with the cluster's connection file (.local)
  --name NAME          name of the cluster (postgres)
  --database NAME      database of the URL (postgres)
  --disposable         for tests: faster, but lost after a crash";

struct Options {
    command: String,
    local_dir: PathBuf,
    name: String,
    database: String,
    durability: Durability,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let command = arguments.next().ok_or("missing command")?;
    let mut options = Options {
        command,
        local_dir: PathBuf::from(".local"),
        name: "postgres".to_owned(),
        database: "postgres".to_owned(),
        durability: Durability::Safe,
    };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{option} requires a value"));
        match option.as_str() {
            "--local-dir" => options.local_dir = value()?.into(),
            "--name" => options.name = value()?,
            "--database" => options.database = value()?,
            "--disposable" => options.durability = Durability::Disposable,
            unknown => return Err(format!("unknown option {unknown}")),
        }
    }
    Ok(options)
}

async fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let Options {
        command,
        local_dir,
        name,
        database,
        durability,
    } = options;
    match command.as_str() {
        "start" => println!(
            "{}",
            Cluster::ensure(local_dir, name, *durability)
                .await?
                .admin_url(database)
        ),
        "stop" => {
            if Cluster::stop(local_dir, name).await? {
                eprintln!("stopped the local PostgreSQL `{name}`");
            }
        }
        "url" => match Cluster::running(local_dir, name).await? {
            Some(cluster) => println!("{}", cluster.admin_url(database)),
            None => return Err(format!("the local PostgreSQL `{name}` is not running").into()),
        },
        "fresh" => {
            let cluster = Cluster::ensure(local_dir, name, *durability).await?;
            recreate(&cluster, database).await?;
            println!("{}", cluster.admin_url(database));
        }
        unknown => return Err(format!("unknown command {unknown}\n\n{USAGE}").into()),
    }
    Ok(())
}

/// Drops and creates a database. Names cannot be bound as parameters, so it is quoted; PostgreSQL's own databases are refused.
async fn recreate(cluster: &Cluster, database: &str) -> Result<(), Box<dyn std::error::Error>> {
    if ["postgres", "template0", "template1"].contains(&database) {
        return Err(format!("`{database}` belongs to PostgreSQL: use --database").into());
    }
    let quoted = format!("\"{}\"", database.replace('"', "\"\""));
    let mut connection = PgConnection::connect(&cluster.admin_url("postgres")).await?;
    for statement in [
        format!("drop database if exists {quoted} with (force)"),
        format!("create database {quoted}"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
    }
    Ok(connection.close().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
