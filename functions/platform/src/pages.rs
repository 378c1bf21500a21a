//! `platform pages`: the pages that belong to no function, when functions run as separate processes.
//!
//! Serves the landing page, the reference, the merged document, the pages behind links in mails, captured mail, and the combined
//! readiness of all processes. It needs neither database nor keys.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use events::PageParts;
use web::{
    Clock,
    edge::{self, Edge},
    health, server,
    settings::{self, is_loopback_url},
    telemetry,
};

use crate::{
    Error,
    environment::{self, Exposure},
    functions,
    sign_ins::{self, SignIns},
    site,
};

/// Timeout of the readiness probe of one process.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

web::settings! {
    /// Settings of the pages.
    pub struct Settings {
        /// Port to listen on.
        pub port: u16 = "PORT" or "8080",
        /// Address to listen on.
        pub address: String = "REVALENZ_ADDRESS" or "127.0.0.1",
        /// Public URL of the platform, without a trailing slash.
        pub public_url: String = "PUBLIC_URL",
        /// Folder with demo.json and captured mail.
        pub local_dir: PathBuf = "LOCAL_DIR" or ".local",
        /// JSON object that maps each function to its base URL, for readiness probes.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS",
        /// Number of proxies in front that write X-Forwarded-For.
        pub trusted_proxies: usize = "REVALENZ_TRUSTED_PROXIES" or "0",
        /// Log filter, in the syntax of tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// Serves the pages until a stop signal.
pub async fn run() -> Result<(), Error> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES])?;
    let settings = Settings::read(&settings::environment)?;
    telemetry::init_logs(None, &settings.rust_log);
    let metrics = telemetry::init_metrics();
    let listener =
        tokio::net::TcpListener::bind((settings.address.as_str(), settings.port)).await?;
    // Only a developer's machine has a demo; elsewhere, mails are for their recipients alone.
    let demo = if is_loopback_url(&settings.public_url) {
        SignIns::read(&settings.local_dir.join(sign_ins::FILE))?
    } else {
        None
    };
    let rows = demo.as_ref().map(SignIns::rows).unwrap_or_default();
    let parts = PageParts {
        public_url: settings.public_url.clone(),
        environment: environment::of_functions(Exposure::Local, &settings.local_dir),
        shows_mail: demo.is_some(),
    };
    let router = site::routes(&functions::services()?, &settings.public_url, &rows)
        .merge(functions::pages(&parts))
        .merge(health::routes(readiness(&settings)?, metrics));
    let edge = Edge {
        clock: Clock::system(),
        trusted_proxies: settings.trusted_proxies,
    };
    server::serve(listener, edge::wrap(router, edge), server::stop_signal()).await?;
    Ok(())
}

/// Ready when every function is ready.
fn readiness(settings: &Settings) -> Result<health::Readiness, Error> {
    let urls: BTreeMap<String, String> = serde_json::from_str(&settings.function_urls)
        .map_err(|error| format!("REVALENZ_FUNCTION_URLS: {error}"))?;
    let urls = Arc::new(urls);
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PROBE_TIMEOUT)
        .build()?;
    Ok(Arc::new(move || {
        let (client, urls) = (client.clone(), Arc::clone(&urls));
        Box::pin(async move {
            for (name, url) in urls.iter() {
                let response = client.get(format!("{url}/readyz")).send().await;
                response
                    .and_then(reqwest::Response::error_for_status)
                    .map_err(|error| format!("{name}: {error}"))?;
            }
            Ok(())
        })
    }))
}
