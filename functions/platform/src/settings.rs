//! What the platform can be told.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use web::{
    settings::{self, Hidden, SettingsError},
    telemetry::CloudLogging,
};

web::settings! {
    /// Settings of the platform. All have a default.
    pub struct Settings {
        /// Port to listen on; 0 takes a free one.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on: this machine alone, or 0.0.0.0 for everybody who can reach it.
        pub address: String = "REVALENZ_ADDRESS" or "127.0.0.1",
        /// PostgreSQL URL of an administrator who may create roles and schemas. Without it a private PostgreSQL is found, or installed, and kept in LOCAL_DIR.
        pub database_url: Option<Hidden> = "DATABASE_URL",
        /// Folder for everything local: the private PostgreSQL, the master key, demo.json.
        pub local_dir: PathBuf = "LOCAL_DIR" or ".local",
        /// The address as clients see it, without a slash at the end; the issuer of access tokens. Without it http://127.0.0.1:PORT.
        pub public_url: Option<String> = "PUBLIC_URL",
        /// Master key: <id>:<32 bytes in base64>, during a rotation two of them with a comma between, the newest first. Without it one is made and kept in LOCAL_DIR.
        pub master_key: Option<Hidden> = "REVALENZ_MASTER_KEY",
        /// How many proxies in front of the platform write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "0",
        /// How many database connections each function may have.
        pub pool: NonZeroU32 = "REVALENZ_POOL" or "6",
        /// How many requests may be under way at once; more are refused with 503. A tenant may have half of them.
        pub in_flight: NonZeroUsize = "REVALENZ_IN_FLIGHT" or "2048",
        /// Issuers on whose word people sign in: a JSON list, or the path of a file that holds one, as identity reads it (docs/issuers.md).
        pub oidc_providers: Option<Hidden> = "REVALENZ_OIDC_PROVIDERS",
        /// Where clamd listens, which checks what is uploaded: HOST:PORT, or the path of its socket. The word `off` trusts every file.
        pub clamd: String = "REVALENZ_CLAMD" or "off",
        /// How announcements travel: http, straight to the functions of this process; rabbitmq, over RabbitMQ.
        pub bus: String = "REVALENZ_BUS" or "http",
        /// RabbitMQ: amqp://<user>:<password>@<host>:<port>/<virtual host>.
        pub amqp_url: Option<Hidden> = "REVALENZ_AMQP_URL",
        /// Whether the first start loads the demo tenants: true or false.
        pub demo: bool = "REVALENZ_DEMO" or "true",
        /// Set by Cloud Run: logs become Cloud Logging's JSON.
        pub k_service: Option<String> = "K_SERVICE",
        /// What is logged, as in tracing's EnvFilter. PostgreSQL's notices tell at every start that all is there already.
        pub rust_log: String = "RUST_LOG" or "info,sqlx::postgres::notice=warn",
    }
}

impl Settings {
    /// Where lines go on Cloud Run.
    pub fn cloud_logging(&self) -> Option<CloudLogging> {
        self.k_service.as_ref().map(|_| CloudLogging::default())
    }
}

const COMMANDS: &str = "
Without a command the platform runs. Commands for functions as processes of their own (make processes):
  prepare          all that `platform` does before it serves; then their settings and the proxy's, in LOCAL_DIR/processes
  pages            serves what belongs to no function
  clock            starts every job when its time comes

Commands that print a generated file:
  manifest         what surrounds the functions: paths, subscriptions, jobs, settings
  openapi          the merged OpenAPI document
  openapi NAME     the document of one function
  permissions      the permission matrix
  problems         every code of a refusal
  events           every event that is announced
  schema           tables, policies and grants of the database";

/// The text of `--help`.
pub fn help() -> String {
    let text = settings::help(
        "platform",
        "every function in one process, with its own PostgreSQL and a demo",
        &[Settings::ENTRIES],
    );
    format!("{text}{COMMANDS}")
}

/// Reads them; refuses what nobody would read.
pub fn read() -> Result<Settings, SettingsError> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES])?;
    Settings::read(&settings::environment)
}
