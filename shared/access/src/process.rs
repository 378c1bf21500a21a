//! A function as a process of its own: settings, logs, the gate, the server.

use std::{
    error::Error,
    io,
    num::{NonZeroU32, NonZeroUsize},
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use axum::Router;
use db::Db;
use tokio::{net::TcpListener, sync::watch};
use web::{
    Clock, Service,
    edge::{self, Edge},
    health, lambda, server,
    settings::{self, Entry, SecretString, SettingsError},
    telemetry::{self, CloudLogging},
};

use crate::{AppSettings, AppState, InternalAuth, Keyring, ServiceAccounts, load_shed};

web::settings! {
    /// Settings that every function reads.
    pub struct Settings {
        /// Port to listen on.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on; 127.0.0.1 where the proxy in front is on the same machine.
        pub address: String = "REVALENZ_ADDRESS" or "0.0.0.0",
        /// PostgreSQL URL of this function's own login.
        pub database_url: SecretString = "DATABASE_URL",
        /// How many connections the pool may have; functions times instances times pool stay below max_connections.
        pub pool: NonZeroU32 = "REVALENZ_POOL" or "4",
        /// How many requests may be under way at once; more are refused with 503. A tenant may have half of them.
        pub in_flight: NonZeroUsize = "REVALENZ_IN_FLIGHT" or "2048",
        /// The platform's address as clients see it, without a slash at the end; the issuer of access tokens.
        pub public_url: String = "PUBLIC_URL",
        /// Master key: <id>:<32 bytes in base64>, during a rotation two of them with a comma between, the newest first.
        pub master_key: SecretString = "REVALENZ_MASTER_KEY",
        /// What the relay and the scheduler present to functions: <secret>, during a rotation two with a comma between, the newest first. Without it the master key yields one.
        pub internal_secret: Option<SecretString> = "REVALENZ_INTERNAL_SECRET",
        /// Google Cloud: the audience of the ID tokens with which Pub/Sub and Cloud Scheduler come. Together with the accounts.
        pub internal_oidc_audience: Option<String> = "REVALENZ_INTERNAL_OIDC_AUDIENCE",
        /// Google Cloud: the service accounts that may come so, <address>[,<address>]. The internal secret is good besides.
        pub internal_oidc_accounts: Option<String> = "REVALENZ_INTERNAL_OIDC_ACCOUNTS",
        /// For how many seconds answers go on after the signal to stop, while /readyz refuses: longer than a proxy in front keeps a connection idle. Open requests get another 8 after that.
        pub linger: u16 = "REVALENZ_LINGER" or "0",
        /// How many proxies in front of the function write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "1",
        /// Set by Cloud Run: logs become Cloud Logging's JSON.
        pub k_service: Option<String> = "K_SERVICE",
        /// Google Cloud: the project that traces belong to, so that the lines of a request are found together.
        pub google_cloud_project: Option<String> = "GOOGLE_CLOUD_PROJECT",
        /// Set by AWS Lambda: requests come as events of API Gateway, and nothing listens.
        pub lambda: Option<String> = "AWS_LAMBDA_RUNTIME_API",
        /// What is logged, as in tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// Every binary has it, because every binary knows this crate.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tenants, sessions, roles and keys are remembered.
pub const CACHE_TTL: Duration = Duration::from_secs(15);

/// How long a function's own work may take to come to its end after the signal to stop.
const WORK_LIMIT: Duration = Duration::from_secs(9);

/// Something that is still to happen, such as the signal to stop.
pub type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a function does beside answering: it gets the signal to stop, and ends soon after.
pub type BackgroundTask = Box<dyn FnOnce(BoxedTask) -> BoxedTask + Send>;

/// A function that can be started, or why it can't.
pub type StartResult = Result<(Service, Option<BackgroundTask>), Box<dyn Error>>;

/// Runs one function until it is told to stop.
pub async fn run(
    name: &'static str,
    about: &'static str,
    service: impl FnOnce(Db, AppState) -> Service,
) -> ExitCode {
    run_with_work(name, about, &[], |db, app| Ok((service(db, app), None))).await
}

/// Runs one function that has settings of its own (`entries`, which `make` reads) or work beside answering.
pub async fn run_with_work(
    name: &'static str,
    about: &'static str,
    entries: &'static [Entry],
    make: impl FnOnce(Db, AppState) -> StartResult,
) -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        #[expect(clippy::print_stdout, reason = "the answer to --help")]
        {
            println!(
                "{}",
                settings::help(name, about, &[Settings::ENTRIES, entries])
            );
        }
        return ExitCode::SUCCESS;
    }
    match start(name, entries, make).await {
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
    entries: &'static [Entry],
    make: impl FnOnce(Db, AppState) -> StartResult,
) -> Result<(), Box<dyn Error>> {
    let settings = read(entries)?;
    let cloud = settings.k_service.as_ref().map(|_| CloudLogging {
        project: settings.google_cloud_project.clone(),
    });
    telemetry::init_logs(cloud, &settings.rust_log);
    let metrics = telemetry::init_metrics();
    // Bind first: the platform in front sees the port at once, the database is connected to at the first use.
    let listener = match settings.lambda {
        Some(_) => None,
        None => Some(TcpListener::bind((settings.address.as_str(), settings.port)).await?),
    };
    let db = Db::connect_lazy(settings.database_url.expose(), settings.pool.get())?;
    let clock = Clock::system();
    let keyring = Keyring::parse(settings.master_key.expose())?;
    let internal = match &settings.internal_secret {
        Some(secret) => InternalAuth::parse(secret.expose())?,
        None => InternalAuth::derived(&keyring),
    };
    let accounts = ServiceAccounts::google(
        settings.internal_oidc_audience.as_deref(),
        settings.internal_oidc_accounts.as_deref(),
    )?;
    let app = AppState::with_internal_auth(
        db.clone(),
        clock.clone(),
        keyring,
        AppSettings {
            public_url: settings.public_url.clone(),
            cache_ttl: CACHE_TTL,
            local: false,
            in_flight: settings.in_flight.get(),
        },
        internal.with_accounts(accounts),
    );
    let pool = db.clone();
    let metrics = metrics.with_gauges(move || pool.measure(name));
    let (service, work) = make(db.clone(), app.clone())?;
    let stop = stop();
    let (ready, stopping) = (db.clone(), stop.clone());
    let readiness: health::Readiness = std::sync::Arc::new(move || {
        let (db, stopping) = (ready.clone(), *stopping.borrow());
        Box::pin(async move {
            if stopping {
                return Err("it was told to stop".to_owned());
            }
            db.ready().await
        })
    });
    let router = load_shed::layer(web::service::compose([&service]), app)
        .merge(service.internal.clone())
        .merge(health::routes(readiness, metrics));
    let router = edge::wrap(
        router,
        Edge {
            clock,
            trusted_proxies: settings.trusted_proxies,
        },
    );
    match listener {
        Some(listener) => {
            tracing::info!(function = name, port = settings.port, "listening");
            let linger = Duration::from_secs(settings.linger.into());
            serve(listener, router, work, stop, linger).await?;
        }
        // The runtime freezes the process between events: nothing can go on beside answering.
        None if work.is_some() => {
            return Err(
                format!("{name} works beside answering, which AWS Lambda does not let it").into(),
            );
        }
        None => lambda::serve(router)
            .await
            .map_err(|error| -> Box<dyn Error> { error })?,
    }
    db.close().await;
    Ok(())
}

/// Becomes true at the signal to stop.
fn stop() -> watch::Receiver<bool> {
    let (sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        server::stop_signal().await;
        sender.send_replace(true);
    });
    stop
}

/// Answers, and works beside that, until the signal to stop; then both come to their end.
async fn serve(
    listener: TcpListener,
    router: Router,
    work: Option<BackgroundTask>,
    stop: watch::Receiver<bool>,
    linger: Duration,
) -> io::Result<()> {
    let stopped = || {
        let mut stop = stop.clone();
        // An error means that the sender is gone, after it has sent.
        async move { drop(stop.wait_for(|stop| *stop).await) }
    };
    let serving = server::serve_lingering(listener, router, stopped(), linger);
    let Some(work) = work else {
        return serving.await;
    };
    let mut working = tokio::spawn(work(Box::pin(stopped())));
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => served?,
        // Who answers on without working looks well and is not: whoever watches over processes starts another.
        ended = &mut working => {
            if !*stop.borrow() {
                return Err(io::Error::other(format!("work ended by itself: {ended:?}")));
            }
            return serving.await;
        }
    }
    if tokio::time::timeout(WORK_LIMIT, working).await.is_err() {
        tracing::warn!("work was still open after {WORK_LIMIT:?}");
    }
    Ok(())
}

fn read(entries: &'static [Entry]) -> Result<Settings, SettingsError> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES, entries])?;
    Settings::read(&settings::environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn served(work: BackgroundTask) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (sender, stop) = watch::channel(false);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            sender.send_replace(true);
        });
        serve(listener, Router::new(), Some(work), stop, Duration::ZERO).await
    }

    #[tokio::test]
    async fn a_process_whose_work_ends_by_itself_ends_with_it() {
        let ended = served(Box::new(|_stop| Box::pin(async {}))).await;
        assert!(ended.is_err());
        let ended = served(Box::new(|_stop| Box::pin(async { panic!("a bug") }))).await;
        assert!(ended.is_err());
        let ended = served(Box::new(|stop| Box::pin(stop))).await;
        assert!(ended.is_ok());
    }
}
