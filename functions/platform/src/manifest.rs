//! What surrounds the functions reads this one file: which paths lead to which function, who listens to what, what each
//! is told. `infra/manifest.json` is its committed text.

use std::collections::BTreeSet;

use access::process;
use events::{Job, Subscription};
use serde::Serialize;
use web::{Service, settings::Entry};

use crate::functions;

/// Below these lie the paths of the API: with its version, and without.
const BASES: [&str; 2] = ["/api/v1", "/api"];
/// What only the platform itself calls; no proxy knows it.
const INTERNAL: &str = "/internal";

/// The manifest.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// Every function, in the order of the product's table.
    pub functions: Vec<Listed>,
    /// Who listens to what.
    pub subscriptions: Vec<Subscription>,
    /// What is called at fixed times.
    pub jobs: Vec<Job>,
    /// What every function is told.
    pub settings: Vec<Setting>,
}

/// A function, as its surroundings see it.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// Its name: also of its binary and its login.
    pub name: &'static str,
    /// What it owns, in a sentence.
    pub about: &'static str,
    /// Every request whose path is one of these, or lies below one, is for it.
    pub prefixes: BTreeSet<String>,
    /// Paths outside the API that are its own, exactly.
    pub root_paths: BTreeSet<String>,
    /// What it is told beside what all are told.
    pub settings: Vec<Setting>,
}

/// A setting: an environment variable.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What holds when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// Whether it comes from where secrets are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Manifest {
    /// Of these services.
    pub fn of(services: &[Service]) -> Self {
        let listed = functions::ALL.iter().filter_map(|function| {
            let service = services.iter().find(|one| one.name == function.name)?;
            Some(Listed {
                name: function.name,
                about: function.about,
                prefixes: prefixes(service),
                root_paths: root_paths(service),
                settings: settings(function.settings),
            })
        });
        Self {
            functions: listed.collect(),
            subscriptions: functions::ALL
                .iter()
                .flat_map(|function| (function.listens)())
                .collect(),
            jobs: functions::jobs().copied().collect(),
            settings: settings(process::Settings::ENTRIES),
        }
    }

    /// As it is committed.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// The first part of each path below the API, and the place of the function's own document.
fn prefixes(service: &Service) -> BTreeSet<String> {
    let [versioned, _] = BASES;
    let parts = service
        .document
        .paths
        .paths
        .keys()
        .filter_map(|path| path.strip_prefix(versioned)?.split('/').nth(1))
        .chain([service.name]);
    parts
        .flat_map(|part| BASES.map(|base| format!("{base}/{part}")))
        .collect()
}

fn root_paths(service: &Service) -> BTreeSet<String> {
    let paths = service.document.paths.paths.keys();
    paths
        .filter(|path| !path.starts_with("/api/") && !path.starts_with(INTERNAL))
        .cloned()
        .collect()
}

fn settings(entries: &'static [Entry]) -> Vec<Setting> {
    entries
        .iter()
        .map(|entry| Setting {
            name: entry.name,
            about: entry.doc.trim(),
            default: entry.default,
            secret: entry.secret,
        })
        .collect()
}
