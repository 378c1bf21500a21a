//! Settings and start of the relay process.

use std::{collections::BTreeMap, path::PathBuf};

use events::{Parts, StartError, Started, Subscription};
use serde::Deserialize;
use web::settings::SecretString;

use crate::{Bus, Http, RelayRuntime, Routing};

web::settings! {
    /// Settings of the relay.
    pub struct Settings {
        /// Path of the manifest: JSON with a list `subscriptions` of function, consumer and types.
        pub manifest: PathBuf = "REVALENZ_MANIFEST" or "infra/manifest.json",
        /// JSON object with the URL of every function that subscribes: {"notifications": "http://127.0.0.1:8084"}. Not needed with Pub/Sub, which pushes by itself.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS" or "{}",
        /// How events are delivered: http, directly to the functions; rabbitmq, over RabbitMQ, whose queues this process consumes; pubsub, over Google Pub/Sub (requires the feature gcp).
        pub bus: String = "REVALENZ_BUS" or "http",
        /// URL of RabbitMQ: amqp://<user>:<password>@<host>:<port>/<virtual host>. The network must be private: there is no TLS.
        pub amqp_url: Option<SecretString> = "REVALENZ_AMQP_URL",
        /// Prefix of the Pub/Sub topics: projects/<project>/topics/<prefix>, to which the function's name is appended.
        pub pubsub_topics: Option<String> = "REVALENZ_PUBSUB_TOPICS",
    }
}

/// The part of the manifest that the relay reads.
#[derive(Debug, Deserialize)]
struct Manifest {
    subscriptions: Vec<Subscription>,
}

/// Reads the settings and creates the service and its background work.
pub(crate) fn start(parts: Parts) -> Result<Started, StartError> {
    let Parts {
        db,
        state,
        environment,
    } = parts;
    let settings = Settings::read(environment.lookup())?;
    let path = settings.manifest.display();
    let text =
        std::fs::read_to_string(&settings.manifest).map_err(|error| format!("{path}: {error}"))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
    let urls: BTreeMap<String, String> = serde_json::from_str(&settings.function_urls)
        .map_err(|error| format!("REVALENZ_FUNCTION_URLS: {error}"))?;
    let routing = Routing::from_subscriptions(&manifest.subscriptions);
    let bus = Bus::parse(
        &settings.bus,
        settings.amqp_url.as_ref(),
        settings.pubsub_topics.as_deref(),
    )?;
    // Fail at the start, not at the first event.
    if bus.needs_function_urls()
        && let Some(missing) = routing.functions().find(|name| !urls.contains_key(*name))
    {
        return Err(format!("REVALENZ_FUNCTION_URLS has no URL for {missing}").into());
    }
    let transport = Http::new(urls, state.internal_auth())?;
    let clock = state.clock().clone();
    let runtime = RelayRuntime::new(bus, db.clone(), clock, transport, routing);
    Ok(Started {
        service: crate::service(db, state),
        background: Some(Box::new(move |stop| Box::pin(runtime.run(stop)))),
    })
}
