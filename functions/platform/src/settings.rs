//! Settings and help of the platform.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use web::{
    settings::{self, Entry, SecretString, SettingsError},
    telemetry::CloudLogging,
};

use crate::environment;

web::settings! {
    /// Settings of the platform. All are optional.
    pub struct Settings {
        /// Port to listen on; 0 chooses a free port.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 for all interfaces.
        pub address: String = "REVALENZ_ADDRESS" or "127.0.0.1",
        /// PostgreSQL URL of an administrator who may create roles and schemas. Without it, a private PostgreSQL runs in LOCAL_DIR. Required in public.
        pub database_url: Option<SecretString> = "DATABASE_URL",
        /// Folder for local data: the private PostgreSQL, the master key, demo.json.
        pub local_dir: PathBuf = "LOCAL_DIR" or ".local",
        /// Public URL, without a trailing slash; also the issuer of access tokens. Default: http://127.0.0.1:PORT. In public: https.
        pub public_url: Option<String> = "PUBLIC_URL",
        /// Master key: <id>:<32 bytes in base64>. During a rotation: two keys separated by a comma, the new one first. Without it, a key is generated and kept in LOCAL_DIR. Required in public.
        pub master_key: Option<SecretString> = "REVALENZ_MASTER_KEY",
        /// Number of proxies in front of the platform that write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "0",
        /// Maximum database connections of each function.
        pub pool: NonZeroU32 = "REVALENZ_POOL" or "6",
        /// Maximum concurrent requests; more are refused with 503. One tenant may use half of them.
        pub in_flight: NonZeroUsize = "REVALENZ_IN_FLIGHT" or "2048",
        /// Event bus: http delivers directly to the functions of this process, rabbitmq delivers through RabbitMQ.
        pub bus: String = "REVALENZ_BUS" or "http",
        /// RabbitMQ URL: amqp://<user>:<password>@<host>:<port>/<virtual host>.
        pub amqp_url: Option<SecretString> = "REVALENZ_AMQP_URL",
        /// Whether the first start loads the demo tenants: true or false. Default: true if only this machine can reach the platform. Refused otherwise.
        pub demo: Option<bool> = "REVALENZ_DEMO",
        /// Port on 127.0.0.1 for operators: /metrics and /internal/dead-letters, which the public cannot reach. Not needed if only this machine can reach the platform, because its port then serves them.
        pub operations_port: Option<u16> = "REVALENZ_OPERATIONS_PORT",
        /// Set by Cloud Run; switches logs to the JSON format of Cloud Logging.
        pub k_service: Option<String> = "K_SERVICE",
        /// Log filter, in the syntax of tracing's EnvFilter. The default hides PostgreSQL's notices about objects that already exist.
        pub rust_log: String = "RUST_LOG" or "info,sqlx::postgres::notice=warn",
    }
}

impl Settings {
    /// Returns the Cloud Logging format on Cloud Run.
    pub fn cloud_logging(&self) -> Option<CloudLogging> {
        self.k_service.as_ref().map(|_| CloudLogging::default())
    }
}

const COMMANDS: &str = "
Without a command, starts the platform. If other machines can reach it (PUBLIC_URL or REVALENZ_ADDRESS is not a loopback address, or
REVALENZ_TRUSTED_PROXIES is set), it starts without the demo and without captured mail, and only with the settings that this needs.

Commands for a public platform:
  bootstrap-superadmin ADDRESS
                   create the first superadmin, or a new invitation; prints a link that is valid for a day

Commands for functions as separate processes (make processes):
  prepare          prepare database and demo, write settings and proxy configuration to LOCAL_DIR/processes
  pages            serve the landing page, the reference and the pages behind links in mails
  clock            call every job at its scheduled times

Commands that print a generated file:
  manifest         paths, subscriptions, jobs and settings of all functions
  functions        names of all functions, one on each line
  openapi          merged OpenAPI document
  openapi NAME     OpenAPI document of one function
  permissions      permission matrix
  problems         error codes
  events           event types
  asyncapi         event types as an AsyncAPI document
  registry         settings, flags, metrics and file resources that contexts declare
  schema           tables, policies and grants of the database
  data-map         classification of every column
  compose          compose file for one server
  caddyfile        proxy configuration for one server
  prometheus       Prometheus configuration for one server";

/// Returns the text of `--help`.
pub fn help() -> String {
    let text = settings::help(
        "platform",
        "runs every function in one process, with a private PostgreSQL and a demo",
        &[Settings::ENTRIES, &environment::entries()],
    );
    format!("{text}{COMMANDS}")
}

/// Reads the settings; fails on one that neither the platform nor a function knows.
pub fn read() -> Result<Settings, SettingsError> {
    let known: &[&[Entry]] = &[Settings::ENTRIES, &environment::entries()];
    settings::refuse_unknown(settings::environment_names(), known)?;
    Settings::read(&settings::environment)
}
