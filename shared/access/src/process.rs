//! Runs a function as a process of its own: settings, logging, shared state, server.

use std::{
    error::Error,
    fmt, io,
    num::{NonZeroU32, NonZeroUsize},
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use axum::Router;
use db::Db;
use tokio::{net::TcpListener, sync::watch};
use web::{
    Clock, Service, console,
    edge::{self, Edge},
    health, lambda, server,
    settings::{self, Entry, SecretString},
    telemetry::{self, CloudLogging},
};

use crate::{AppSettings, AppState, InternalAuth, Keyring, ServiceAccounts, load_shed};

web::settings! {
    /// Settings of every function.
    pub struct Settings {
        /// Port to listen on.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on. Use 127.0.0.1 if the proxy in front runs on the same machine.
        pub address: String = "REVALENZ_ADDRESS" or "0.0.0.0",
        /// PostgreSQL URL with this function's own login.
        pub database_url: SecretString = "DATABASE_URL",
        /// Maximum number of database connections of the pool. Functions times instances times pool must stay below max_connections.
        pub pool: NonZeroU32 = "REVALENZ_POOL" or "4",
        /// Maximum number of concurrent requests; further ones are rejected with 503. A single tenant may use half of them.
        pub in_flight: NonZeroUsize = "REVALENZ_IN_FLIGHT" or "2048",
        /// Public address of the platform, without a trailing slash. It is also the issuer of access tokens.
        pub public_url: String = "PUBLIC_URL",
        /// Master key: <id>:<32 bytes in base64>. During a rotation two of them, separated by a comma, the newest first.
        pub master_key: SecretString = "REVALENZ_MASTER_KEY",
        /// Secret that the relay and the scheduler present to functions. During a rotation two of them, separated by a comma, the newest first. Derived from the master key if not set.
        pub internal_secret: Option<SecretString> = "REVALENZ_INTERNAL_SECRET",
        /// Google Cloud: expected audience of ID tokens from Pub/Sub and Cloud Scheduler. Requires REVALENZ_INTERNAL_OIDC_ACCOUNTS.
        pub internal_oidc_audience: Option<String> = "REVALENZ_INTERNAL_OIDC_AUDIENCE",
        /// Google Cloud: service accounts whose ID tokens are accepted, <email>[,<email>]. The internal secret is accepted too.
        pub internal_oidc_accounts: Option<String> = "REVALENZ_INTERNAL_OIDC_ACCOUNTS",
        /// Seconds to keep serving after the stop signal while /readyz fails. Must be longer than the idle timeout of the proxy in front. Open requests get 8 more seconds.
        pub linger: u16 = "REVALENZ_LINGER" or "0",
        /// Number of trusted proxies in front of the function that write X-Forwarded-For. With too few, all clients share the limits of the proxy's address; with too many, clients choose their address themselves.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "0",
        /// Set by Cloud Run. Switches logs to Cloud Logging's JSON format.
        pub k_service: Option<String> = "K_SERVICE",
        /// Google Cloud: project of the traces that log lines are grouped by.
        pub google_cloud_project: Option<String> = "GOOGLE_CLOUD_PROJECT",
        /// Set by AWS Lambda. Requests then arrive as API Gateway events, and no port is opened.
        pub lambda: Option<String> = "AWS_LAMBDA_RUNTIME_API",
        /// Log filter, in the syntax of tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// The address on which a process with this environment listens.
pub fn address(lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let is_address = |entry: &&Entry| entry.name == "REVALENZ_ADDRESS";
    let set = lookup("REVALENZ_ADDRESS").filter(|text| !text.is_empty());
    let default = Settings::ENTRIES.iter().find(is_address);
    set.or_else(|| default?.default.map(str::to_owned))
        .unwrap_or_default()
}

/// Declared here because every binary depends on this crate.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tenants, sessions, roles and keys are cached.
pub const CACHE_TTL: Duration = Duration::from_secs(15);

/// Time limit for a background task to end after the stop signal.
const BACKGROUND_STOP_TIMEOUT: Duration = Duration::from_secs(9);

/// A boxed future, such as the stop signal.
pub type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work beside serving requests. It receives the stop signal, and must end soon after it.
pub type BackgroundTask = Box<dyn FnOnce(BoxedTask) -> BoxedTask + Send>;

/// Why a function cannot be started.
pub type StartError = Box<dyn Error + Send + Sync>;

/// A function ready to run.
pub struct Started {
    /// What it serves.
    pub service: Service,
    /// Its work beside serving requests.
    pub background: Option<BackgroundTask>,
}

impl From<Service> for Started {
    fn from(service: Service) -> Self {
        Self {
            service,
            background: None,
        }
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Started({})", self.service.name)
    }
}

/// Runs one function until the stop signal. `lists` are the settings that `start_function` reads besides those of every
/// function.
pub async fn run(
    name: &'static str,
    about: &'static str,
    lists: [&'static [Entry]; 2],
    start_function: impl FnOnce(Db, AppState) -> Result<Started, StartError>,
) -> ExitCode {
    let [first, second] = lists;
    let lists = [Settings::ENTRIES, first, second];
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--help" => console::print_line(&settings::help(name, about, &lists)),
            "--version" => console::print_line(&format!("{name} {}", web::service::VERSION)),
            _ => continue,
        }
        return ExitCode::SUCCESS;
    }
    match start(name, &lists, start_function).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Logging may not be initialised yet.
            console::print_error(&format!("{name}: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn start(
    name: &'static str,
    lists: &[&[Entry]],
    start_function: impl FnOnce(Db, AppState) -> Result<Started, StartError>,
) -> Result<(), StartError> {
    settings::refuse_unknown(settings::environment_names(), lists)?;
    let settings = Settings::read(&settings::environment)?;
    let cloud = settings.k_service.as_ref().map(|_| CloudLogging {
        project: settings.google_cloud_project.clone(),
    });
    telemetry::init_logs(cloud, &settings.rust_log);
    let metrics = telemetry::init_metrics();
    // Bind first, so that the platform in front sees the port at once; the database is connected lazily.
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
    let metrics = metrics.with_gauges(move || pool.record_metrics(name));
    let Started {
        service,
        background: work,
    } = start_function(db.clone(), app.clone())?;
    let stop = watch_stop_signal();
    let (ready, stopping) = (db.clone(), stop.clone());
    let readiness: health::Readiness = std::sync::Arc::new(move || {
        let (db, stopping) = (ready.clone(), *stopping.borrow());
        Box::pin(async move {
            if stopping {
                return Err("stopping".to_owned());
            }
            db.ready().await
        })
    });
    let router =
        load_shed::layer(web::service::compose([&service]), app).merge(service.internal.clone());
    // A gateway in front of AWS Lambda may pass on every path, and nothing asks for these there.
    let router = match listener {
        Some(_) => router.merge(health::routes(readiness, metrics)),
        None => router,
    };
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
        // The runtime freezes the process between events, so background tasks cannot run.
        None if work.is_some() => {
            return Err(
                format!("{name} has a background task, which AWS Lambda does not support").into(),
            );
        }
        None => lambda::serve(router).await?,
    }
    db.close().await;
    Ok(())
}

/// Becomes true at the stop signal.
fn watch_stop_signal() -> watch::Receiver<bool> {
    let (sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        server::stop_signal().await;
        sender.send_replace(true);
    });
    stop
}

/// Serves requests and runs the background task until the stop signal, then shuts both down.
async fn serve(
    listener: TcpListener,
    router: Router,
    work: Option<BackgroundTask>,
    stop: watch::Receiver<bool>,
    linger: Duration,
) -> io::Result<()> {
    let stopped = || {
        let mut stop = stop.clone();
        // An error means that the sender was dropped after sending.
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
        // Serving without the background task would look healthy; ending lets the supervisor restart the process.
        ended = &mut working => {
            if !*stop.borrow() {
                return Err(io::Error::other(format!("background task ended unexpectedly: {ended:?}")));
            }
            return serving.await;
        }
    }
    if tokio::time::timeout(BACKGROUND_STOP_TIMEOUT, working)
        .await
        .is_err()
    {
        tracing::warn!("background task still running after {BACKGROUND_STOP_TIMEOUT:?}");
    }
    Ok(())
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
    async fn a_process_ends_when_its_background_task_ends_unexpectedly() {
        let ended = served(Box::new(|_stop| Box::pin(async {}))).await;
        assert!(ended.is_err());
        let ended = served(Box::new(|_stop| Box::pin(async { panic!("a bug") }))).await;
        assert!(ended.is_err());
        let ended = served(Box::new(|stop| Box::pin(stop))).await;
        assert!(ended.is_ok());
    }
}
