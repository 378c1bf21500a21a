//! `infra/compose.yaml`: the whole backend on one server, in containers.

use std::fmt::Write as _;

use super::{LINGER, PORT};
use crate::{
    manifest::{Listed, Manifest},
    processes::PAGES,
};

/// What the file says itself, so that nobody has to be asked.
const SAID_HERE: [&str; 4] = [
    "REVALENZ_MANIFEST",
    "REVALENZ_FUNCTION_URLS",
    "REVALENZ_MAIL_FOLDER",
    "REVALENZ_AMQP_URL",
];

/// Where files keep objects that go into no bucket: a volume.
const FOLDER: &str = "REVALENZ_OBJECTS_FOLDER";

/// The file. Values with a `$` come from `infra/server.env`, which `infra/scripts/server-env.sh` writes once.
pub fn text(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest.functions.iter().map(|one| one.name).collect();
    let mut services = String::new();
    for function in &manifest.functions {
        // Writing into a String cannot fail.
        _ = write!(services, "{}", service(function, manifest, &names));
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

fn service(function: &Listed, manifest: &Manifest, names: &[&str]) -> String {
    let name = function.name;
    let mut environment = vec![format!(
        "DATABASE_URL=postgres://rvz_{name}_login:${{{}}}@postgres/revalenz",
        password(name)
    )];
    let said = [
        "PORT",
        "REVALENZ_ADDRESS",
        "DATABASE_URL",
        "PUBLIC_URL",
        "K_SERVICE",
        "GOOGLE_CLOUD_PROJECT",
        "AWS_LAMBDA_RUNTIME_API",
        "REVALENZ_TRUSTED_PROXIES",
    ];
    environment.push("PUBLIC_URL=https://${REVALENZ_HOST}".to_owned());
    let told = manifest.settings.iter().chain(&function.settings);
    for setting in told {
        match setting.name {
            "REVALENZ_FUNCTION_URLS" => {
                environment.push(format!("REVALENZ_FUNCTION_URLS={}", urls(names)));
            }
            "REVALENZ_AMQP_URL" => environment
                .push("REVALENZ_AMQP_URL=amqp://revalenz:${PASSWORD_RABBITMQ}@rabbitmq".to_owned()),
            // Nothing is kept in the container, least of all mails.
            "REVALENZ_SMTP_URL" => environment
                .push("REVALENZ_SMTP_URL=${REVALENZ_SMTP_URL:?the mail server}".to_owned()),
            "REVALENZ_BUS" => environment.push("REVALENZ_BUS=${REVALENZ_BUS:-rabbitmq}".to_owned()),
            "REVALENZ_CLAMD" => {
                environment.push("REVALENZ_CLAMD=${REVALENZ_CLAMD:-clamd:3310}".to_owned());
            }
            "REVALENZ_LINGER" => environment.push(format!("REVALENZ_LINGER={LINGER}")),
            FOLDER => environment.push(format!("{FOLDER}=${{{FOLDER}:-/objects}}")),
            told if said.contains(&told) || SAID_HERE.contains(&told) => {}
            // Without a value: as `infra/server.env` has it, and not at all when it has not.
            told => environment.push(told.to_owned()),
        }
    }
    let mut lines = String::new();
    for line in environment {
        // Writing into a String cannot fail.
        _ = writeln!(lines, "      - '{line}'");
    }
    let volumes = if function.settings.iter().any(|one| one.name == FOLDER) {
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

/// Everybody's address, as JSON.
fn urls(names: &[&str]) -> String {
    let pairs: Vec<String> = names
        .iter()
        .map(|name| format!("\"{name}\":\"http://{name}:{PORT}\""))
        .collect();
    format!("{{{}}}", pairs.join(","))
}
