//! Prepares functions that run as separate processes on one machine, for `infra/scripts/processes.sh`.
//!
//! Prepares the database, logins and demo, then writes the settings of each process and the proxy's routes to
//! `LOCAL_DIR/processes`.

pub mod caddyfile;
mod environment;
mod ports;

use std::{collections::BTreeMap, fs, path};

use access::process;
use web::telemetry;

use crate::{
    Error, console,
    environment::Exposure,
    exposure, functions,
    functions::PAGES,
    manifest::Manifest,
    pages, scheduler, secrets, settings,
    settings::Settings,
    start::{self, Prepared},
};
use environment::Environment;

/// Processes listen on loopback only, so they can trust the client address that the proxy reports.
const LOOPBACK: &str = "127.0.0.1";

/// Prepares everything that `platform` does before it serves, and prints the demo accounts.
pub async fn prepare() -> Result<(), Error> {
    let settings = settings::read()?;
    telemetry::init_logs(settings.cloud_logging(), &settings.rust_log);
    console::print_line(&format!(
        "Revalenz {}: preparing separate processes",
        web::service::VERSION
    ));
    if exposure::of(&settings) == Exposure::Public {
        return Err("prepare is for a developer's machine: PUBLIC_URL and REVALENZ_ADDRESS must be loopback addresses, and REVALENZ_TRUSTED_PROXIES must be 0. docs/operations.md describes servers".into());
    }
    if settings.port == 0 {
        return Err("PORT must not be 0: processes need to know the public port".into());
    }
    // Only checks that the port is free; the proxy binds it later.
    drop(start::bind(&settings.address, settings.port).await?);
    let names = functions::ALL.iter().map(|function| function.name);
    let ports = ports::find_free_ports(settings.port, names.chain([PAGES]))?;

    let prepared = start::prepare(&settings, settings.port).await?;
    write_files(&settings, &prepared, &ports)?;
    prepared.database.close().await;
    if let Some(sign_ins) = &prepared.sign_ins {
        start::print_banner(&settings, sign_ins);
    }
    Ok(())
}

fn write_files(
    settings: &Settings,
    prepared: &Prepared,
    ports: &BTreeMap<&'static str, u16>,
) -> Result<(), Error> {
    let folder = secrets::local_dir(settings)?.join("processes");
    // Start from an empty folder, so that a removed function is not started again.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => secrets::create_folder(&folder)?,
    }
    let manifest = Manifest::of(&functions::services()?);
    let config = caddyfile::text(&manifest, &settings.address, settings.port, ports)?;
    secrets::write(&folder.join("Caddyfile"), &config)?;

    let shared = shared_environment(settings, prepared, ports)?;
    for (name, port) in ports {
        let environment = match prepared.database.logins().iter().find(|(of, _)| of == name) {
            Some((_, url)) => shared.with("DATABASE_URL", url.expose()),
            None => shared.clone(),
        };
        let declared = functions::ALL
            .iter()
            .find(|function| function.name == *name)
            .map_or(pages::Settings::ENTRIES.to_vec(), |function| {
                let own = function.own_environment();
                process::Settings::ENTRIES
                    .iter()
                    .chain(own)
                    .copied()
                    .collect()
            });
        let text = environment.with("PORT", &port.to_string()).text(&declared);
        secrets::write(&folder.join(format!("{name}.env")), &text)?;
    }
    let text = shared.text(scheduler::Settings::ENTRIES);
    secrets::write(&folder.join("clock.env"), &text)?;
    Ok(())
}

/// Returns values for all processes; each process gets only those it declares.
fn shared_environment(
    settings: &Settings,
    prepared: &Prepared,
    ports: &BTreeMap<&'static str, u16>,
) -> Result<Environment, Error> {
    let urls: BTreeMap<_, _> = ports
        .iter()
        .filter(|(name, _)| **name != PAGES)
        .map(|(name, port)| (*name, format!("http://{LOOPBACK}:{port}")))
        .collect();
    let absolute = |path: &path::Path| -> Result<String, Error> {
        let path = path::absolute(path)?;
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{} is not valid UTF-8", path.display()).into())
    };
    let local_dir = path::absolute(&settings.local_dir)?;
    let bus = Environment::from(crate::environment::values(&local_dir))
        .with("REVALENZ_BUS", &settings.bus);
    let bus = match &settings.amqp_url {
        Some(url) => bus.with("REVALENZ_AMQP_URL", url.expose()),
        None => bus,
    };
    Ok(bus
        .with("REVALENZ_ADDRESS", LOOPBACK)
        .with("PUBLIC_URL", &prepared.public_url)
        .with("REVALENZ_MASTER_KEY", prepared.master_key.expose())
        .with("REVALENZ_POOL", &settings.pool.to_string())
        .with("REVALENZ_IN_FLIGHT", &settings.in_flight.to_string())
        .with("REVALENZ_TRUSTED_PROXIES", "1")
        .with("RUST_LOG", &settings.rust_log)
        .with("LOCAL_DIR", &absolute(&settings.local_dir)?)
        .with(
            "REVALENZ_MANIFEST",
            &absolute(path::Path::new("infra/manifest.json"))?,
        )
        .with("REVALENZ_FUNCTION_URLS", &serde_json::to_string(&urls)?))
}
