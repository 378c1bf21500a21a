//! Generates `infra/compose.yaml`: the whole backend on one server, in containers.

use std::fmt::Write as _;

use super::{LINGER, PORT};
use crate::{
    functions::PAGES,
    manifest::{FunctionEntry, Manifest},
};

/// Settings with a fixed value in this file, not taken from `infra/server.env`.
const FIXED_SETTINGS: [&str; 4] = [
    "REVALENZ_MANIFEST",
    "REVALENZ_FUNCTION_URLS",
    "REVALENZ_MAIL_FOLDER",
    "REVALENZ_AMQP_URL",
];

/// Folder for objects when no bucket is configured: a volume.
const OBJECTS_FOLDER: &str = "REVALENZ_OBJECTS_FOLDER";

/// Returns the file. Values with a `$` come from `infra/server.env`, which `infra/scripts/server-env.sh` writes once.
pub fn text(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.functions.iter().map(|one| one.name).collect();
    let mut services = String::new();
    for function in &manifest.functions {
        // Writing into a String cannot fail.
        _ = write!(services, "{}", service_entry(function, manifest, &names));
    }
    let passwords: Vec<String> = names
        .iter()
        .map(|name| format!("\"{name}\":\"${{{}}}\"", password(name)))
        .collect();
    format!(
        include_str!("compose.template.yaml"),
        passwords = passwords.join(","),
        urls = urls(&names),
        services = services,
        pages = PAGES,
        port = PORT,
    )
}

fn service_entry(function: &FunctionEntry, manifest: &Manifest, names: &[&str]) -> String {
    let name = function.name;
    let mut environment = vec![format!(
        "DATABASE_URL=postgres://rvz_{name}_login:${{{}}}@postgres/revalenz",
        password(name)
    )];
    let standard = [
        "PORT",
        "REVALENZ_ADDRESS",
        "DATABASE_URL",
        "PUBLIC_URL",
        "K_SERVICE",
        "GOOGLE_CLOUD_PROJECT",
        "AWS_LAMBDA_RUNTIME_API",
    ];
    environment.push("PUBLIC_URL=https://${REVALENZ_HOST}".to_owned());
    let entries = manifest.settings.iter().chain(&function.settings);
    for setting in entries {
        match setting.name {
            "REVALENZ_FUNCTION_URLS" => {
                environment.push(format!("REVALENZ_FUNCTION_URLS={}", urls(names)));
            }
            "REVALENZ_AMQP_URL" => environment
                .push("REVALENZ_AMQP_URL=amqp://revalenz:${PASSWORD_RABBITMQ}@rabbitmq".to_owned()),
            // Containers store nothing, so mails need a server.
            "REVALENZ_SMTP_URL" => environment
                .push("REVALENZ_SMTP_URL=${REVALENZ_SMTP_URL:?the mail server}".to_owned()),
            "REVALENZ_BUS" => environment.push("REVALENZ_BUS=${REVALENZ_BUS:-rabbitmq}".to_owned()),
            "REVALENZ_CLAMD" => {
                environment.push("REVALENZ_CLAMD=${REVALENZ_CLAMD:-clamd:3310}".to_owned());
            }
            // Caddy.
            "REVALENZ_TRUSTED_PROXIES" => environment
                .push("REVALENZ_TRUSTED_PROXIES=${REVALENZ_TRUSTED_PROXIES:-1}".to_owned()),
            "REVALENZ_LINGER" => environment.push(format!("REVALENZ_LINGER={LINGER}")),
            OBJECTS_FOLDER => {
                environment.push(format!("{OBJECTS_FOLDER}=${{{OBJECTS_FOLDER}:-/objects}}"));
            }
            name if standard.contains(&name) || FIXED_SETTINGS.contains(&name) => {}
            // Without a value, compose passes the variable on if `infra/server.env` sets it.
            name => environment.push(name.to_owned()),
        }
    }
    let mut lines = String::new();
    for line in environment {
        // Writing into a String cannot fail.
        _ = writeln!(lines, "      - '{line}'");
    }
    let volumes = if function
        .settings
        .iter()
        .any(|one| one.name == OBJECTS_FOLDER)
    {
        "    volumes:\n      - objects:/objects\n"
    } else {
        ""
    };
    format!(
        "  {name}:\n    <<: *function\n    image: ${{REVALENZ_IMAGES:-localhost/revalenz}}/{name}:${{REVALENZ_VERSION:-latest}}\n    environment:\n{lines}{volumes}\n"
    )
}

fn password(function: &str) -> String {
    format!("PASSWORD_{}", function.to_uppercase())
}

/// Returns the address of every function, as JSON.
fn urls(names: &[&str]) -> String {
    let pairs: Vec<String> = names
        .iter()
        .map(|name| format!("\"{name}\":\"http://{name}:{PORT}\""))
        .collect();
    format!("{{{}}}", pairs.join(","))
}
