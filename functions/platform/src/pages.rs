//! What belongs to no function, where each function is a process of its own: landing page, reference, merged document,
//! the pages of links in mails, the local mails, and whether every process is ready. No database, no key.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use notifications::Folder;
use web::{
    Clock,
    edge::{self, Edge},
    health, server, settings, telemetry,
};

use crate::{Error, catalogue, sign_ins::SignIns, site};

/// How long a process may take to say that it is ready.
const PROBE_LIMIT: Duration = Duration::from_secs(3);

web::settings! {
    /// Settings of the pages.
    pub struct Settings {
        /// Port to listen on.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on.
        pub address: String = "REVALENZ_ADDRESS" or "127.0.0.1",
        /// The platform's address as clients see it, without a slash at the end.
        pub public_url: String = "PUBLIC_URL",
        /// Folder with demo.json and the mails.
        pub local_dir: PathBuf = "LOCAL_DIR" or ".local",
        /// JSON object of function to address: who is asked for readiness.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS",
        /// How many proxies in front write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "1",
        /// What is logged, as in tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// Serves them until it is told to stop.
pub async fn run() -> Result<(), Error> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES])?;
    let settings = Settings::read(&settings::environment)?;
    telemetry::init_logs(None, &settings.rust_log);
    let metrics = telemetry::init_metrics();
    let listener =
        tokio::net::TcpListener::bind((settings.address.as_str(), settings.port)).await?;
    let demo = SignIns::read(&settings.local_dir.join("demo.json"))?;
    let rows = demo.as_ref().map(SignIns::rows).unwrap_or_default();
    let mut router = site::routes(&catalogue::services()?, &settings.public_url, &rows)
        .merge(identity::pages::router())
        .merge(health::routes(readiness(&settings)?, metrics));
    // Where the demo is, mails stay on this machine and can be read; anywhere else nobody but the recipient may.
    if demo.is_some() {
        let mails = Folder::new(settings.local_dir.join("outbox"));
        router = router.merge(notifications::dev_mail::router(mails, &settings.public_url));
    }
    let edge = Edge {
        clock: Clock::system(),
        trusted_proxies: settings.trusted_proxies,
    };
    server::serve(listener, edge::wrap(router, edge), server::stop_signal()).await?;
    Ok(())
}

/// Ready is who hears it from every function.
fn readiness(settings: &Settings) -> Result<health::Readiness, Error> {
    let urls: BTreeMap<String, String> = serde_json::from_str(&settings.function_urls)
        .map_err(|error| format!("REVALENZ_FUNCTION_URLS: {error}"))?;
    let urls = Arc::new(urls);
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PROBE_LIMIT)
        .build()?;
    Ok(Arc::new(move || {
        let (client, urls) = (client.clone(), Arc::clone(&urls));
        Box::pin(async move {
            for (name, url) in urls.iter() {
                let answer = client.get(format!("{url}/readyz")).send().await;
                answer
                    .and_then(reqwest::Response::error_for_status)
                    .map_err(|error| format!("{name}: {error}"))?;
            }
            Ok(())
        })
    }))
}
