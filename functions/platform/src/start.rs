//! `platform` without arguments: prepares everything, then serves.
//!
//! Binds the port first, so that a port in use is reported before anything changes. Early requests wait in the socket until
//! everything is ready.

use std::{io, sync::Arc};

use access::{AppSettings, AppState, Keyring, load_shed, process::CACHE_TTL};
use axum::Router;
use events::{PageParts, Started};
use relay::Bus;
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber;
use web::{
    Clock,
    edge::{self, Edge},
    health, server,
    settings::SecretString,
    telemetry,
};

use crate::{
    Error,
    background::BackgroundTasks,
    console,
    database::{self, Database},
    demo::{self, Demo},
    environment, functions, secrets, settings,
    settings::Settings,
    sign_ins::SignIns,
    site,
};

/// Runs until a stop signal.
pub async fn run() -> Result<(), Error> {
    let settings = settings::read()?;
    telemetry::init_logs(settings.cloud_logging(), &settings.rust_log);
    console::print_line(&format!("Revalenz {} is starting", web::service::VERSION));

    let listener = bind(&settings).await?;
    let port = listener.local_addr()?.port();
    let prepared = prepare(&settings, port).await?;
    let Prepared {
        database, sign_ins, ..
    } = &prepared;

    let keyring = Keyring::parse(prepared.master_key.expose())?;
    let (router, background) = router(&settings, database, keyring, sign_ins)?;
    print_banner(&settings, sign_ins);
    console::print_line(&format!(
        "\nListening on port {port}. Press Ctrl-C to stop."
    ));
    let running = background.start();
    server::serve(listener, router, server::stop_signal()).await?;
    running.finish().await;
    database.close().await;
    console::print_line(match settings.database_url {
        Some(_) => "Stopped.",
        None => "Stopped. PostgreSQL keeps running until `make stop`.",
    });
    Ok(())
}

/// Everything that is prepared before the platform serves.
pub struct Prepared {
    /// The migrated database, with a login and a pool for each function.
    pub database: Database,
    /// The master key.
    pub master_key: SecretString,
    /// Demo accounts.
    pub sign_ins: SignIns,
}

/// Finds or starts the database, migrates it, creates the logins, and loads the demo if it is missing.
pub async fn prepare(settings: &Settings, port: u16) -> Result<Prepared, Error> {
    let public_url = public_url(settings, port)?;
    let local_dir = secrets::local_dir(settings)?;
    let master_key = secrets::master_key(settings)?;
    let keyring = Keyring::parse(master_key.expose())?;

    let admin_url = database::find_or_start(settings, local_dir).await?;
    let database = Database::open(admin_url, functions::ALL, &keyring, settings.pool.get()).await?;
    console::print_line(&format!(
        "  database {}, migrated to {}",
        database.display_url(),
        db::migrate::expected_version()
    ));

    let loader = Demo {
        database: database.clone(),
        keyring,
        public_url,
        environment: environment::of_functions(local_dir),
        clock: Clock::system(),
        load_tenants: settings.demo,
        max_tickets: usize::MAX,
    };
    let sign_ins = loader
        .prepare(local_dir)
        .with_subscriber(demo::errors_only())
        .await?;
    Ok(Prepared {
        database,
        master_key,
        sign_ins,
    })
}

/// Binds the public port.
pub async fn bind(settings: &Settings) -> Result<TcpListener, Error> {
    let (address, port) = (settings.address.as_str(), settings.port);
    TcpListener::bind((address, port))
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} is already in use. Stop the other program or choose another port: PORT={} make run",
                port.saturating_add(1)
            )
            .into(),
            _ => format!("cannot listen on {address}:{port}: {error}").into(),
        })
}

/// Returns the public URL. It is also the token issuer and an origin, so it must not end with a slash.
fn public_url(settings: &Settings, port: u16) -> Result<String, Error> {
    match &settings.public_url {
        None => Ok(format!("http://127.0.0.1:{port}")),
        Some(url) => {
            let host = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"));
            match host {
                Some(host) if !host.is_empty() && !host.contains('/') => Ok(url.clone()),
                _ => {
                    Err("PUBLIC_URL must be http:// or https:// and a host, without a path".into())
                }
            }
        }
    }
}

/// Builds the router of the whole platform and its background tasks.
fn router(
    settings: &Settings,
    database: &Database,
    keyring: Keyring,
    sign_ins: &SignIns,
) -> Result<(Router, BackgroundTasks), Error> {
    let public_url = sign_ins.base_url.as_str();
    // Initialised after the demo, so that its requests are not counted.
    let pools = database.clone();
    let metrics = telemetry::init_metrics().with_gauges(move || pools.record_pool_metrics());
    let clock = Clock::system();
    let state = AppState::new(
        database.shared_pool()?,
        clock.clone(),
        keyring,
        AppSettings {
            public_url: public_url.to_owned(),
            cache_ttl: CACHE_TTL,
            local: true,
            in_flight: settings.in_flight.get(),
        },
    );
    let environment = environment::of_functions(&settings.local_dir);
    let started = functions::start(|name| database.pool_of(name), &state, &environment)?;
    let (services, work): (Vec<_>, Vec<_>) = started
        .into_iter()
        .map(
            |Started {
                 service,
                 background,
             }| (service, background),
        )
        .unzip();
    let work = work.into_iter().flatten().collect();
    let bus = Bus::parse(&settings.bus, settings.amqp_url.as_ref(), None)?;
    let background = BackgroundTasks::new(bus, database, &state, &services, work)?;
    let pages = PageParts {
        public_url: public_url.to_owned(),
        environment,
        shows_mail: true,
    };
    let site =
        site::routes(&services, public_url, &sign_ins.rows()).merge(functions::pages(&pages));
    let probe = database.clone();
    let readiness: health::Readiness = Arc::new(move || {
        let database = probe.clone();
        Box::pin(async move { database.check_ready().await })
    });
    let functions = background.nudged_by(web::service::compose(&services));
    let router =
        load_shed::layer(functions.merge(site), state).merge(health::routes(readiness, metrics));
    let edge = Edge {
        clock,
        trusted_proxies: settings.trusted_proxies,
    };
    Ok((edge::wrap(router, edge), background))
}

/// Prints the addresses and the demo accounts.
pub fn print_banner(settings: &Settings, sign_ins: &SignIns) {
    let url = &sign_ins.base_url;
    let file = settings.local_dir.join("demo.json");
    console::print_line(&format!(
        "
Revalenz is running at {url}
  {url}/docs               API reference
  {url}/api/openapi.json   OpenAPI 3.1
  {url}/dev/mail           outgoing mail, captured locally
  {url}/readyz             readiness

Accounts (stored in {}):
{}",
        file.display(),
        console::table(&["tenant", "role", "email", "password"], &sign_ins.rows())
    ));
    let keys: Vec<Vec<String>> = sign_ins
        .tenants
        .iter()
        .map(|(slug, tenant)| vec![slug.clone(), tenant.api_key.clone().unwrap_or_default()])
        .collect();
    if !keys.is_empty() {
        console::print_line("\nAPI keys (send in the X-API-Key header):");
        console::print_line(&console::table(&["tenant", "key"], &keys));
    }
}
