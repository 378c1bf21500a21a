//! `platform` without arguments, from nothing to serving.
//!
//! The port first, so that a taken one is told before anything is changed; the browser's first request waits in the
//! socket until all the rest is there.

use std::{io, path::PathBuf, sync::Arc};

use access::{Gate, GateSettings, Keyring, entrance, process::REMEMBER};
use axum::Router;
use files::Scanner;
use notifications::Folder;
use relay::Bus;
use tokio::net::TcpListener;
use tracing::instrument::WithSubscriber;
use web::{
    Clock, Service,
    edge::{self, Edge},
    health, server,
    settings::Hidden,
    telemetry,
};

use crate::{
    Error,
    database::{self, Database},
    delivery::Delivery,
    demo::{self, Demo},
    functions,
    functions::Objects,
    secrets, settings,
    settings::Settings,
    sign_ins::SignIns,
    site, terminal,
};

/// Runs until it is told to stop.
pub async fn run() -> Result<(), Error> {
    let settings = settings::read()?;
    telemetry::init_logs(settings.cloud_logging(), &settings.rust_log);
    terminal::say(&format!("Revalenz {} is starting", web::service::VERSION));

    let listener = bind(&settings).await?;
    let port = listener.local_addr()?.port();
    let ready = prepare(&settings, port).await?;
    let Prepared {
        database, sign_ins, ..
    } = &ready;

    let mails = Folder::new(outbox(&settings));
    let keyring = Keyring::parse(ready.master_key.expose())?;
    let (router, delivery) = router(&settings, database, keyring, sign_ins, mails)?;
    greet(&settings, sign_ins);
    terminal::say(&format!("\nListening on port {port}; Ctrl-C stops."));
    let delivering = delivery.start();
    server::serve(listener, router, server::stop_signal()).await?;
    delivering.finish().await;
    database.close().await;
    terminal::say(match settings.database_url {
        Some(_) => "stopped",
        None => "stopped; PostgreSQL keeps running until `make stop`",
    });
    Ok(())
}

/// All that is there before something is served.
pub struct Prepared {
    /// Migrated, with a login and a pool a function.
    pub database: Database,
    /// What passwords and keys are derived from.
    pub master_key: Hidden,
    /// Who can sign in.
    pub sign_ins: SignIns,
}

/// Finds or starts the database, brings it up to date, makes the logins and what is missing of the demo.
pub async fn prepare(settings: &Settings, port: u16) -> Result<Prepared, Error> {
    let public_url = public_url(settings, port)?;
    let local_dir = secrets::local_dir(settings)?;
    let master_key = secrets::master_key(settings)?;
    let keyring = Keyring::parse(master_key.expose())?;

    let admin_url = database::find(settings, local_dir).await?;
    let database = Database::open(admin_url, functions::ALL, &keyring, settings.pool.get()).await?;
    terminal::say(&format!(
        "  database {}, migrated to {}",
        database.place(),
        db::migrate::expected_version()
    ));

    let loader = Demo {
        database: database.clone(),
        keyring,
        public_url,
        objects: objects(settings),
        clock: Clock::system(),
        tenants: settings.demo,
        tickets: usize::MAX,
    };
    let sign_ins = loader
        .prepare(local_dir)
        .with_subscriber(demo::quiet())
        .await?;
    Ok(Prepared {
        database,
        master_key,
        sign_ins,
    })
}

/// Where mails lie that leave this machine never.
pub fn outbox(settings: &Settings) -> PathBuf {
    settings.local_dir.join("outbox")
}

/// Where the bytes of files lie.
pub fn objects(settings: &Settings) -> Objects {
    Objects {
        folder: settings.local_dir.join("objects"),
        scanner: Scanner::parse(&settings.clamd),
    }
}

/// Takes the port that clients come to.
pub async fn bind(settings: &Settings) -> Result<TcpListener, Error> {
    let (address, port) = (settings.address.as_str(), settings.port);
    TcpListener::bind((address, port))
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} is taken by another program. Stop it, or choose another port: PORT={} make run",
                port.saturating_add(1)
            )
            .into(),
            _ => format!("{address}:{port} can't be listened on: {error}").into(),
        })
}

/// Also the issuer of tokens and an origin, so it is exact: no slash at the end.
fn public_url(settings: &Settings, port: u16) -> Result<String, Error> {
    match &settings.public_url {
        None => Ok(format!("http://127.0.0.1:{port}")),
        Some(url) => {
            let host = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"));
            match host {
                Some(host) if !host.is_empty() && !host.contains('/') => Ok(url.clone()),
                _ => Err(
                    "PUBLIC_URL must be http:// or https:// and a host, nothing behind it".into(),
                ),
            }
        }
    }
}

/// Everything behind the port.
fn router(
    settings: &Settings,
    database: &Database,
    keyring: Keyring,
    sign_ins: &SignIns,
    mails: Folder,
) -> Result<(Router, Delivery), Error> {
    let public_url = sign_ins.base_url.as_str();
    // Only now, so that the requests of the demo are not counted.
    let pools = database.clone();
    let metrics = telemetry::init_metrics().with_gauges(move || pools.measure());
    let clock = Clock::system();
    let gate = Gate::new(
        database.of("identity")?,
        clock.clone(),
        keyring,
        GateSettings {
            public_url: public_url.to_owned(),
            remember: REMEMBER,
            local: true,
            in_flight: settings.in_flight.get(),
        },
    );
    let services = services(settings, database, &gate, &objects(settings))?;
    let bus = Bus::parse(&settings.bus, settings.amqp_url.as_ref(), None)?;
    let delivery = Delivery::new(bus, database, &gate, &services, mails.clone())?;
    let site = site::routes(&services, public_url, &sign_ins.rows())
        .merge(identity::pages::router())
        .merge(notifications::dev_mail::router(mails, public_url));
    let probe = database.clone();
    let readiness: health::Readiness = Arc::new(move || {
        let database = probe.clone();
        Box::pin(async move { database.ready().await })
    });
    let functions = delivery.nudged_by(web::service::compose(&services));
    let router =
        entrance::layer(functions.merge(site), gate).merge(health::routes(readiness, metrics));
    let edge = Edge {
        clock,
        trusted_proxies: settings.trusted_proxies,
    };
    Ok((edge::wrap(router, edge), delivery))
}

fn services(
    settings: &Settings,
    database: &Database,
    gate: &Gate,
    objects: &Objects,
) -> Result<Vec<Service>, Error> {
    let local = gate.settings().local;
    let identity =
        identity::config::Settings::with_issuers(settings.oidc_providers.as_ref(), local)?;
    functions::ALL
        .iter()
        .map(|function| {
            let db = database.of(function.name)?;
            Ok(match function.name {
                "identity" => identity::service_with(db, gate.clone(), identity.clone()),
                _ => function.serve(db, gate.clone(), objects),
            })
        })
        .collect()
}

/// Tells where it is and who can sign in.
pub fn greet(settings: &Settings, sign_ins: &SignIns) {
    let url = &sign_ins.base_url;
    let file = settings.local_dir.join("demo.json");
    terminal::say(&format!(
        "
Revalenz runs at {url}
  {url}/docs               API reference
  {url}/api/openapi.json   OpenAPI 3.1
  {url}/dev/mail           mails, which leave this machine never
  {url}/readyz             readiness

Sign-ins, kept in {}:
{}",
        file.display(),
        terminal::table(&["tenant", "role", "e-mail", "password"], &sign_ins.rows())
    ));
    let keys: Vec<Vec<String>> = sign_ins
        .tenants
        .iter()
        .map(|(slug, tenant)| vec![slug.clone(), tenant.api_key.clone().unwrap_or_default()])
        .collect();
    if !keys.is_empty() {
        terminal::say("\nAPI keys, for the header X-API-Key:");
        terminal::say(&terminal::table(&["tenant", "key"], &keys));
    }
}
