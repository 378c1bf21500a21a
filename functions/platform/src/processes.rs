//! Functions as processes of their own on one machine: what `infra/scripts/processes.sh` starts. Everything up to serving
//! happens here; then each process finds its settings, and the proxy its routes, in `LOCAL_DIR/processes`.

pub mod caddyfile;
mod environment;
mod ports;

use std::{collections::BTreeMap, fs, path};

use access::process;
use web::telemetry;

use crate::{
    Error, catalogue, functions,
    manifest::Manifest,
    pages, secrets, settings,
    settings::Settings,
    start::{self, Prepared},
    terminal, timetable,
};
use environment::Environment;

/// Processes listen where only the proxy in front reaches them: what it says of the client's address is believed.
const LOOPBACK: &str = "127.0.0.1";
/// The name under which the pages have their port and their settings.
pub const PAGES: &str = "platform";

/// Does everything up to serving, and says who can sign in.
pub async fn prepare() -> Result<(), Error> {
    let settings = settings::read()?;
    telemetry::init_logs(settings.cloud_logging(), &settings.rust_log);
    terminal::say(&format!(
        "Revalenz {} is prepared for processes",
        web::service::VERSION
    ));
    if settings.port == 0 {
        return Err("PORT must be a port: processes are told where clients come to".into());
    }
    // Let go of at once: it is the proxy's.
    drop(start::bind(&settings).await?);
    let names = functions::ALL.iter().map(|function| function.name);
    let ports = ports::free_behind(settings.port, names.chain([PAGES]))?;

    let ready = start::prepare(&settings, settings.port).await?;
    write(&settings, &ready, &ports)?;
    ready.database.close().await;
    start::greet(&settings, &ready.sign_ins);
    Ok(())
}

fn write(
    settings: &Settings,
    ready: &Prepared,
    ports: &BTreeMap<&'static str, u16>,
) -> Result<(), Error> {
    let folder = secrets::local_dir(settings)?.join("processes");
    // Whole anew, so that a function that is gone is not started again.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => secrets::folder(&folder)?,
    }
    let manifest = Manifest::of(&catalogue::services()?);
    let routes = caddyfile::text(&manifest, &settings.address, settings.port, ports)?;
    secrets::write(&folder.join("Caddyfile"), &routes)?;

    let shared = shared(settings, ready, ports)?;
    for (name, port) in ports {
        let own = match ready.database.logins().iter().find(|(of, _)| of == name) {
            Some((_, url)) => shared.with("DATABASE_URL", url.expose()),
            None => shared.clone(),
        };
        let declared = functions::ALL
            .iter()
            .find(|function| function.name == *name)
            .map_or([pages::Settings::ENTRIES, &[]], |function| {
                [process::Settings::ENTRIES, function.settings]
            });
        let text = own.with("PORT", &port.to_string()).text(&declared);
        secrets::write(&folder.join(format!("{name}.env")), &text)?;
    }
    let text = shared.text(&[timetable::Settings::ENTRIES]);
    secrets::write(&folder.join("clock.env"), &text)?;
    Ok(())
}

/// What more than one of them is told; each gets of it what it declares.
fn shared(
    settings: &Settings,
    ready: &Prepared,
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
            .ok_or_else(|| format!("{} is no text", path.display()).into())
    };
    let bus = Environment::default().with("REVALENZ_BUS", &settings.bus);
    let bus = match &settings.amqp_url {
        Some(url) => bus.with("REVALENZ_AMQP_URL", url.expose()),
        None => bus,
    };
    Ok(bus
        .with("REVALENZ_ADDRESS", LOOPBACK)
        .with("PUBLIC_URL", &ready.sign_ins.base_url)
        .with("REVALENZ_MASTER_KEY", ready.master_key.expose())
        .with("REVALENZ_POOL", &settings.pool.to_string())
        .with("REVALENZ_IN_FLIGHT", &settings.in_flight.to_string())
        .with("REVALENZ_TRUSTED_PROXIES", "1")
        .with("RUST_LOG", &settings.rust_log)
        .with("LOCAL_DIR", &absolute(&settings.local_dir)?)
        .with(
            "REVALENZ_OBJECTS_FOLDER",
            &absolute(&start::objects(settings).folder)?,
        )
        .with("REVALENZ_CLAMD", &settings.clamd)
        .with("REVALENZ_MAIL_FOLDER", &absolute(&start::outbox(settings))?)
        .with(
            "REVALENZ_MANIFEST",
            &absolute(path::Path::new("infra/manifest.json"))?,
        )
        .with("REVALENZ_FUNCTION_URLS", &serde_json::to_string(&urls)?))
}
