//! Who can reach the platform: a developer on the same machine, or the public.
//!
//! The defaults are for a developer: captured mail is shown to everyone, demo passwords are printed, pages on any local port may
//! call the API. In public, none of that exists, and the platform refuses to start until everything it needs instead is set.

use std::path::{Path, PathBuf};

use events::Context;
use web::settings::{Entry, SettingsError, environment, is_loopback_host, is_loopback_url};

use crate::{environment::Exposure, functions, settings::Settings, sign_ins};

/// Local only if the public URL and the address to listen on are loopback addresses, and no proxy is in front.
pub fn of(settings: &Settings) -> Exposure {
    let is_url_local = settings.public_url.as_deref().is_none_or(is_loopback_url);
    if is_url_local && is_loopback_host(&settings.address) && settings.trusted_proxies == 0 {
        Exposure::Local
    } else {
        Exposure::Public
    }
}

/// Names everything that a public platform lacks, and everything that it must not have.
pub fn check_public(settings: &Settings) -> Result<(), SettingsError> {
    let wrong = problems(settings, functions::ALL, &environment);
    if wrong.is_empty() {
        return Ok(());
    }
    let mut lines = vec![
        "other machines can reach this platform (PUBLIC_URL, REVALENZ_ADDRESS, REVALENZ_TRUSTED_PROXIES), so it does not start with the defaults for a developer's machine:".to_owned(),
    ];
    lines.extend(wrong.iter().map(|line| format!("  {line}")));
    Err(SettingsError(lines))
}

fn problems(
    settings: &Settings,
    contexts: &[&Context],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let mut wrong = Vec::new();
    match settings.public_url.as_deref() {
        None => wrong.push(
            "PUBLIC_URL is missing: the address at which people reach the platform".to_owned(),
        ),
        Some(url) if is_loopback_url(url) => wrong.push(format!(
            "PUBLIC_URL is {url}: the address at which people reach the platform is needed"
        )),
        Some(url) if !url.starts_with("https://") => {
            wrong.push("PUBLIC_URL must begin with https://: passwords are sent to it".to_owned());
        }
        Some(_) => {}
    }
    let own = |name: &str| Settings::ENTRIES.iter().find(|entry| entry.name == name);
    for entry in ["DATABASE_URL", "REVALENZ_MASTER_KEY"]
        .iter()
        .filter_map(|name| own(name))
    {
        if !is_set(entry.name) {
            wrong.push(missing(entry));
        }
    }
    // What has a default for developers only must be decided here.
    let decisions = contexts
        .iter()
        .flat_map(|context| context.environment)
        .filter(|entry| entry.local_default.is_some());
    for entry in decisions {
        if !is_set(entry.name) {
            wrong.push(missing(entry));
        }
    }
    if settings.demo == Some(true) {
        wrong.push("REVALENZ_DEMO=true: demo accounts have printed passwords".to_owned());
    }
    let demo = demo_file(&settings.local_dir);
    if demo.exists() {
        wrong.push(format!(
            "{} belongs to a demo: choose a new LOCAL_DIR, and a database without demo accounts",
            demo.display()
        ));
    }
    wrong
}

fn demo_file(local_dir: &Path) -> PathBuf {
    local_dir.join(sign_ins::FILE)
}

fn missing(entry: &Entry) -> String {
    format!("{} is missing: {}", entry.name, entry.doc.trim())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;
    use crate::secrets;

    fn settings(set: &[(&str, &str)]) -> Settings {
        let set: BTreeMap<_, _> = set.iter().copied().collect();
        Settings::read(&|name| set.get(name).map(|value| (*value).to_owned())).unwrap()
    }

    #[test]
    fn only_loopback_addresses_without_a_proxy_are_local() {
        for set in [
            &[][..],
            &[("PUBLIC_URL", "http://localhost:8080")],
            &[
                ("PUBLIC_URL", "http://[::1]:8080"),
                ("REVALENZ_ADDRESS", "::1"),
            ],
        ] {
            assert_eq!(of(&settings(set)), Exposure::Local, "{set:?}");
        }
        for set in [
            &[("PUBLIC_URL", "https://app.example.org")][..],
            &[("PUBLIC_URL", "http://localhost.example.org")],
            &[("REVALENZ_ADDRESS", "0.0.0.0")],
            &[("REVALENZ_ADDRESS", "192.0.2.7")],
            &[("REVALENZ_TRUSTED_PROXIES", "1")],
        ] {
            assert_eq!(of(&settings(set)), Exposure::Public, "{set:?}");
        }
    }

    const COMPLETE: [(&str, &str); 5] = [
        ("PUBLIC_URL", "https://app.example.org"),
        ("DATABASE_URL", "postgres://admin@db/revalenz"),
        ("REVALENZ_MASTER_KEY", "k:secret"),
        ("REVALENZ_SMTP_URL", "smtps://u:p@mail.example.org"),
        ("REVALENZ_CLAMD", "off"),
    ];

    fn problems_with(set: &[(&str, &str)]) -> Vec<String> {
        let variables: BTreeMap<_, _> = set.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
        problems(&settings(set), functions::ALL, &variable)
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        assert_eq!(problems_with(&COMPLETE), Vec::<String>::new());
        let nothing = problems_with(&[("REVALENZ_TRUSTED_PROXIES", "1")]);
        for (name, _) in COMPLETE {
            let named = nothing.iter().filter(|line| line.starts_with(name));
            assert_eq!(named.count(), 1, "{name} in {nothing:?}");
        }
    }

    #[test]
    fn a_public_url_is_https_and_no_loopback_address() {
        for url in ["http://app.example.org", "http://127.0.0.1:8080"] {
            let mut set = COMPLETE;
            set[0].1 = url;
            assert_eq!(problems_with(&set).len(), 1, "{url}");
        }
    }

    #[test]
    fn a_demo_is_refused() {
        let folder = std::env::temp_dir().join(format!("rvz-{}", secrets::password()));
        fs::create_dir(&folder).unwrap();
        let mut set = COMPLETE.to_vec();
        let text = folder.display().to_string();
        set.push(("LOCAL_DIR", &text));
        assert_eq!(problems_with(&set), Vec::<String>::new());
        fs::write(folder.join("demo.json"), "{}").unwrap();
        assert_eq!(problems_with(&set).len(), 1);
        set.push(("REVALENZ_DEMO", "true"));
        assert_eq!(problems_with(&set).len(), 2);
        fs::remove_dir_all(folder).unwrap();
    }
}
