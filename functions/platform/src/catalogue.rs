//! Files that are generated because they know every function; committed, and proved fresh by `make ci`.

mod events;
mod permissions;
mod problems;
mod schema;

use std::time::Duration;

use access::{Gate, GateSettings, Keyring};
use db::Db;
use web::{Clock, Service};

pub use permissions::{Grants, Listed, grants, operations};

use crate::{
    Error,
    containers::{compose, proxy, scrape},
    database, functions,
    manifest::Manifest,
    settings, site,
};

/// The text of a generated file.
pub async fn generate(what: &str, rest: &[&str]) -> Result<String, Error> {
    match (what, rest) {
        ("openapi", []) => Ok(web::openapi::to_pretty_json(&site::document(&services()?))),
        ("openapi", [name]) => one(name),
        ("permissions", []) => {
            let document = site::document(&services()?);
            let policy = on_scratch(async |connection| grants(connection).await);
            Ok(permissions::page(&policy.await?, &document))
        }
        ("manifest", []) => Ok(Manifest::of(&services()?).to_json()?),
        ("compose", []) => Ok(compose::text(&Manifest::of(&services()?))),
        ("caddyfile", []) => Ok(proxy::text(&Manifest::of(&services()?))),
        ("prometheus", []) => Ok(scrape::text(&Manifest::of(&services()?))),
        ("problems", []) => Ok(problems::page()),
        ("events", []) => Ok(events::page()),
        ("schema", []) => on_scratch(async |connection| schema::page(connection).await).await,
        _ => Err(format!("unknown command {what}; platform --help lists them all").into()),
    }
}

fn one(name: &str) -> Result<String, Error> {
    let services = services()?;
    let service = services
        .iter()
        .find(|service| service.name == name)
        .ok_or_else(|| {
            let known: Vec<&str> = services.iter().map(|service| service.name).collect();
            format!("{name} is no function; these are: {}", known.join(", "))
        })?;
    Ok(web::openapi::to_pretty_json(&service.document))
}

/// Every function over a database that nobody asks: documents need none.
pub fn services() -> Result<Vec<Service>, Error> {
    let db = Db::lazy("postgres://nobody@127.0.0.1:1/none", 1)?;
    let gate = Gate::new(
        db.clone(),
        Clock::system(),
        Keyring::parse(&Keyring::generate())?,
        GateSettings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            remember: Duration::ZERO,
            in_flight: 8,
            local: false,
        },
    );
    Ok(functions::ALL
        .iter()
        .map(|function| (function.service)(db.clone(), gate.clone()))
        .collect())
}

async fn on_scratch<T>(
    read: impl AsyncFnOnce(&mut sqlx::PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    database::on_scratch(&settings::read()?, read).await
}

/// First lines of a generated page.
fn head(title: &str, text: &str) -> String {
    format!("<!-- Generated: make prepare renews it. -->\n# {title}\n\n{text}\n")
}

/// Text within a cell of a Markdown table.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|")
}
