//! A function as a process of its own: settings, logs, the gate, the server.

use std::{process::ExitCode, time::Duration};

use db::Db;
use web::{
    Clock, Service,
    edge::{self, Edge},
    health, server,
    settings::{self, Hidden, SettingsError},
    telemetry,
};

use crate::{Gate, GateSettings, Keyring, cors};

web::settings! {
    /// Settings that every function reads.
    pub struct Settings {
        /// Port to listen on.
        pub port: u16 = "PORT" or "8080",
        /// PostgreSQL URL of this function's own login.
        pub database_url: Hidden = "DATABASE_URL",
        /// How many connections the pool may have; functions times instances times pool stay below max_connections.
        pub pool: u32 = "REVALENZ_POOL" or "4",
        /// The platform's address as clients see it, without a slash at the end; the issuer of access tokens.
        pub public_url: String = "PUBLIC_URL",
        /// Master key: <id>:<32 bytes in base64>, during a rotation two of them with a comma between, the newest first.
        pub master_key: Hidden = "REVALENZ_MASTER_KEY",
        /// How many proxies in front of the function write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "1",
        /// Set by Cloud Run: logs become Cloud Logging's JSON.
        pub k_service: Option<String> = "K_SERVICE",
        /// What is logged, as in tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// How long tenants, sessions, roles and keys are remembered.
pub const REMEMBER: Duration = Duration::from_secs(15);

/// Runs one function until it is told to stop.
pub async fn run(
    name: &'static str,
    about: &'static str,
    service: impl FnOnce(Db, Gate) -> Service,
) -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        #[expect(clippy::print_stdout, reason = "the answer to --help")]
        {
            println!("{}", settings::help(name, about, &[Settings::ENTRIES]));
        }
        return ExitCode::SUCCESS;
    }
    match start(name, service).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there may be no subscriber yet")]
            {
                eprintln!("{name}: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn start(
    name: &'static str,
    service: impl FnOnce(Db, Gate) -> Service,
) -> Result<(), Box<dyn std::error::Error>> {
    let settings = read()?;
    telemetry::init_logs(settings.k_service.is_some(), &settings.rust_log);
    let metrics = telemetry::init_metrics();
    // Bind first: the platform in front sees the port at once, the database is connected to at the first use.
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", settings.port)).await?;
    let db = Db::lazy(settings.database_url.expose(), settings.pool)?;
    let clock = Clock::system();
    let gate = Gate::new(
        db.clone(),
        clock.clone(),
        Keyring::parse(settings.master_key.expose())?,
        GateSettings {
            public_url: settings.public_url.clone(),
            remember: REMEMBER,
            local: false,
        },
    );
    let service = service(db.clone(), gate.clone());
    let ready = db.clone();
    let readiness: health::Readiness = std::sync::Arc::new(move || {
        let db = ready.clone();
        Box::pin(async move { db.ready().await })
    });
    let router = cors::layer(web::service::compose([&service]), gate)
        .merge(health::routes(readiness, metrics));
    let router = edge::wrap(
        router,
        Edge {
            clock,
            trusted_proxies: settings.trusted_proxies,
        },
    );
    tracing::info!(function = name, port = settings.port, "listening");
    server::serve(listener, router, server::stop_signal()).await?;
    db.close().await;
    Ok(())
}

fn read() -> Result<Settings, SettingsError> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES])?;
    Settings::read(&settings::environment)
}
