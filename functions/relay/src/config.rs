//! The relay as a process: what it reads, and what it starts.

use std::{collections::BTreeMap, path::PathBuf};

use access::{Gate, process::Made};
use db::Db;
use events::Subscription;
use serde::Deserialize;
use web::settings::Hidden;

use crate::{Bus, Http, Moving, Routing};

web::settings! {
    /// Settings of the relay alone.
    pub struct Settings {
        /// The manifest: JSON with a list `subscriptions` of function, consumer and types.
        pub manifest: PathBuf = "REVALENZ_MANIFEST" or "infra/manifest.json",
        /// JSON object of function to address, for every function that listens: {"notifications": "http://127.0.0.1:8084"}. Pub/Sub pushes by itself and needs none.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS" or "{}",
        /// How announcements travel: http, straight to the functions; rabbitmq, over RabbitMQ, from which this process brings them to the functions; pubsub, over Google Pub/Sub (built with the feature gcp).
        pub bus: String = "REVALENZ_BUS" or "http",
        /// RabbitMQ: amqp://<user>:<password>@<host>:<port>/<virtual host>. Its network is ours alone: there is no TLS.
        pub amqp_url: Option<Hidden> = "REVALENZ_AMQP_URL",
        /// Pub/Sub: projects/<project>/topics/<prefix>; behind it comes the name of the function that listens.
        pub pubsub_topics: Option<String> = "REVALENZ_PUBSUB_TOPICS",
    }
}

/// What the relay reads of the manifest.
#[derive(Debug, Deserialize)]
struct Manifest {
    subscriptions: Vec<Subscription>,
}

/// Reads the settings; makes the service and the work beside it.
pub fn start(db: Db, gate: Gate) -> Made {
    let settings = Settings::read(&web::settings::environment)?;
    let path = settings.manifest.display();
    let text =
        std::fs::read_to_string(&settings.manifest).map_err(|error| format!("{path}: {error}"))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
    let urls: BTreeMap<String, String> = serde_json::from_str(&settings.function_urls)
        .map_err(|error| format!("REVALENZ_FUNCTION_URLS: {error}"))?;
    let routing = Routing::of(&manifest.subscriptions);
    let bus = Bus::parse(
        &settings.bus,
        settings.amqp_url.as_ref(),
        settings.pubsub_topics.as_deref(),
    )?;
    // Told at the start, not by the first event that nobody gets.
    if bus.pushes()
        && let Some(missing) = routing.functions().find(|name| !urls.contains_key(*name))
    {
        return Err(format!("REVALENZ_FUNCTION_URLS has no address of {missing}").into());
    }
    let transport = Http::new(urls, gate.internal_auth())?;
    let clock = gate.clock().clone();
    let moving = Moving::over(bus, db.clone(), clock, transport, routing);
    let service = crate::service(db, gate);
    Ok((
        service,
        Some(Box::new(move |stop| Box::pin(moving.run(stop)))),
    ))
}
