//! `platform` without arguments: prepares everything, then serves.
//!
//! Binds the port first, so that a port in use is reported before anything changes. Early requests wait in the socket until
//! everything is ready.

use std::{io, sync::Arc};

use access::{AppSettings, AppState, Keyring, load_shed, process::CACHE_TTL};
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use events::{PageParts, Started};
use http::StatusCode;
use relay::Bus;
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber;
use web::{
    Clock, Email,
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
    environment::{self, Exposure},
    exposure, functions, secrets, settings,
    settings::Settings,
    sign_ins::{self, SUPERADMIN, SignIns},
    site,
};

/// Where operators reach what the public cannot.
const OPERATIONS_ADDRESS: &str = "127.0.0.1";

/// Runs until a stop signal.
pub async fn run() -> Result<(), Error> {
    let settings = settings::read()?;
    telemetry::init_logs(settings.cloud_logging(), &settings.rust_log);
    console::print_line(&format!("Revalenz {} is starting", web::service::VERSION));

    let exposure = exposure::of(&settings);
    if exposure == Exposure::Public {
        exposure::check_public(&settings)?;
    }
    let listener = bind(&settings.address, settings.port).await?;
    let operations = match (exposure, settings.operations_port) {
        (Exposure::Public, Some(port)) => Some(bind(OPERATIONS_ADDRESS, port).await?),
        _ => None,
    };
    let port = listener.local_addr()?.port();
    let prepared = prepare(&settings, port).await?;
    let database = &prepared.database;

    let (router, background) = router(&settings, &prepared)?;
    match &prepared.sign_ins {
        Some(sign_ins) => print_banner(&settings, sign_ins),
        None => console::print_line(&format!(
            "Revalenz is running at {}. `platform bootstrap-superadmin ADDRESS` invites the first superadmin.",
            prepared.public_url
        )),
    }
    console::print_line(&format!(
        "\nListening on port {port}. Press Ctrl-C to stop."
    ));
    let running = background.start();
    serve(&settings, exposure, listener, operations, router).await?;
    running.finish().await;
    database.close().await;
    console::print_line(match settings.database_url {
        Some(_) => "Stopped.",
        None => "Stopped. PostgreSQL keeps running until `make stop`.",
    });
    Ok(())
}

/// Serves the public port, and the port for operators if there is one, until the stop signal.
async fn serve(
    settings: &Settings,
    exposure: Exposure,
    listener: TcpListener,
    operations: Option<TcpListener>,
    router: Router,
) -> io::Result<()> {
    let edge = |trusted_proxies| Edge {
        clock: Clock::system(),
        trusted_proxies,
    };
    let public = match exposure {
        Exposure::Local => router.clone(),
        Exposure::Public => router.clone().layer(from_fn(hide_internal)),
    };
    let public = edge::wrap(public, edge(settings.trusted_proxies));
    let serving = server::serve(listener, public, server::stop_signal());
    match operations {
        None => serving.await,
        Some(listener) => {
            let router = edge::wrap(router, edge(0));
            let operators = server::serve(listener, router, server::stop_signal());
            tokio::try_join!(serving, operators).map(drop)
        }
    }
}

/// What operators and the platform itself use is not found in public.
async fn hide_internal(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_internal = ["/internal", "/metrics", "/dev"].iter().any(|hidden| {
        path.strip_prefix(hidden)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if is_internal {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Everything that is prepared before the platform serves.
pub struct Prepared {
    /// The migrated database, with a login and a pool for each function.
    pub database: Database,
    /// The master key.
    pub master_key: SecretString,
    /// Public URL; also the issuer of access tokens.
    pub public_url: String,
    /// Demo accounts; `None` in public.
    pub sign_ins: Option<SignIns>,
}

/// Finds or starts the database, migrates it and creates the logins. On a developer's machine, loads the demo if it is missing.
pub async fn prepare(settings: &Settings, port: u16) -> Result<Prepared, Error> {
    let public_url = public_url(settings, port)?;
    let (database, master_key) = open_database(settings).await?;
    let keyring = Keyring::parse(master_key.expose())?;
    console::print_line(&format!(
        "  database {}, migrated to {}",
        database.display_url(),
        db::migrate::expected_version()
    ));
    let sign_ins = match exposure::of(settings) {
        Exposure::Local => Some(load_demo(settings, &database, keyring, &public_url).await?),
        Exposure::Public => {
            refuse_demo_accounts(&database).await?;
            None
        }
    };
    Ok(Prepared {
        database,
        master_key,
        public_url,
        sign_ins,
    })
}

async fn open_database(settings: &Settings) -> Result<(Database, SecretString), Error> {
    let local_dir = secrets::local_dir(settings)?;
    let master_key = secrets::master_key(settings)?;
    let keyring = Keyring::parse(master_key.expose())?;
    let admin_url = database::find_or_start(settings, local_dir).await?;
    let database = Database::open(admin_url, functions::ALL, &keyring, settings.pool.get()).await?;
    Ok((database, master_key))
}

async fn load_demo(
    settings: &Settings,
    database: &Database,
    keyring: Keyring,
    public_url: &str,
) -> Result<SignIns, Error> {
    let local_dir = secrets::local_dir(settings)?;
    let loader = Demo {
        database: database.clone(),
        keyring,
        public_url: public_url.to_owned(),
        environment: environment::of_functions(Exposure::Local, local_dir),
        clock: Clock::system(),
        load_tenants: settings.demo.unwrap_or(true),
        max_tickets: usize::MAX,
    };
    loader
        .prepare(local_dir)
        .with_subscriber(demo::errors_only())
        .await
}

/// A database that a demo was loaded into has accounts whose passwords are in a file and in logs.
async fn refuse_demo_accounts(database: &Database) -> Result<(), Error> {
    let superadmin = Email::parse(SUPERADMIN).map_err(|_| "the demo has no valid address")?;
    let db = database.pool_of(identity::CONTEXT.name)?;
    if identity::bootstrap::exists(&db, &Clock::system(), &superadmin).await? {
        return Err(format!(
            "the database {} contains the demo account {SUPERADMIN}: choose a new database",
            database.display_url()
        )
        .into());
    }
    Ok(())
}

/// Creates the first superadmin, or a new invitation for one who has not accepted yet, and prints the link.
pub async fn bootstrap_superadmin(address: &str) -> Result<(), Error> {
    let settings = settings::read()?;
    if exposure::of(&settings) == Exposure::Public {
        exposure::check_public(&settings)?;
    }
    let email =
        Email::parse(address).map_err(|_| format!("{address} is not a valid email address"))?;
    let public_url = public_url(&settings, settings.port)?;
    let (database, _) = open_database(&settings).await?;
    let db = database.pool_of(identity::CONTEXT.name)?;
    let link =
        identity::bootstrap::invite_superadmin(&db, &Clock::system(), &public_url, &email).await?;
    database.close().await;
    console::print_line(&link);
    Ok(())
}

/// Binds a port.
pub async fn bind(address: &str, port: u16) -> Result<TcpListener, Error> {
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

/// Builds the router of the whole platform, without its outermost layer, and its background tasks.
fn router(settings: &Settings, prepared: &Prepared) -> Result<(Router, BackgroundTasks), Error> {
    let Prepared {
        database,
        public_url,
        sign_ins,
        ..
    } = prepared;
    let exposure = exposure::of(settings);
    // Initialised after the demo, so that its requests are not counted.
    let pools = database.clone();
    let metrics = telemetry::init_metrics().with_gauges(move || pools.record_pool_metrics());
    let state = AppState::new(
        database.shared_pool()?,
        Clock::system(),
        Keyring::parse(prepared.master_key.expose())?,
        AppSettings {
            public_url: public_url.clone(),
            cache_ttl: CACHE_TTL,
            local: exposure.is_local(),
            in_flight: settings.in_flight.get(),
        },
    );
    let environment = environment::of_functions(exposure, &settings.local_dir);
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
        public_url: public_url.clone(),
        environment,
        shows_mail: exposure.is_local(),
    };
    let rows = sign_ins.as_ref().map(SignIns::rows).unwrap_or_default();
    let site = site::routes(&services, public_url, &rows).merge(functions::pages(&pages));
    let probe = database.clone();
    let readiness: health::Readiness = Arc::new(move || {
        let database = probe.clone();
        Box::pin(async move { database.check_ready().await })
    });
    let functions = background.nudged_by(web::service::compose(&services));
    let router =
        load_shed::layer(functions.merge(site), state).merge(health::routes(readiness, metrics));
    Ok((router, background))
}

/// Prints the addresses and the demo accounts.
pub fn print_banner(settings: &Settings, sign_ins: &SignIns) {
    let url = &sign_ins.base_url;
    let file = settings.local_dir.join(sign_ins::FILE);
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
