//! The manifest: paths, subscriptions, jobs and settings of every function, for proxies, Terraform and the relay.
//! `infra/manifest.json` is its committed copy.

use std::collections::BTreeSet;

use access::process;
use events::{Job, Subscription};
use serde::Serialize;
use web::{Service, settings::Entry};

use crate::functions;

/// Base paths of the API, with and without the version.
const BASES: [&str; 2] = ["/api/v1", "/api"];
/// Prefix of internal endpoints, which no proxy exposes.
const INTERNAL: &str = "/internal";

/// The manifest.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// Every function, in the order of the table in the README.
    pub functions: Vec<FunctionEntry>,
    /// Event subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Scheduled jobs.
    pub jobs: Vec<Job>,
    /// Settings of every function.
    pub settings: Vec<Setting>,
}

/// A function as seen from outside.
#[derive(Debug, Serialize)]
pub struct FunctionEntry {
    /// Name, also of its binary and login.
    pub name: &'static str,
    /// What it owns, in one sentence.
    pub about: &'static str,
    /// Path prefixes routed to it.
    pub prefixes: BTreeSet<String>,
    /// Exact paths outside the API.
    pub root_paths: BTreeSet<String>,
    /// Settings of its own, in addition to the common ones.
    pub settings: Vec<Setting>,
}

/// A setting: an environment variable.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Value when it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// Whether it is a secret.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Manifest {
    /// Builds the manifest of these services.
    pub fn of(services: &[Service]) -> Self {
        let entries = functions::ALL.iter().filter_map(|function| {
            let service = services.iter().find(|one| one.name == function.name)?;
            Some(FunctionEntry {
                name: function.name,
                about: function.about,
                prefixes: prefixes(service),
                root_paths: root_paths(service),
                settings: settings(function.own_environment()),
            })
        });
        Self {
            functions: entries.collect(),
            subscriptions: functions::subscriptions(),
            jobs: functions::jobs().copied().collect(),
            settings: settings(process::Settings::ENTRIES.iter()),
        }
    }

    /// Returns the text that is committed.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// Returns the first segment of each path below the API, and the segment of the function's own document.
fn prefixes(service: &Service) -> BTreeSet<String> {
    let [versioned, _] = BASES;
    let segments = service
        .document
        .paths
        .paths
        .keys()
        .filter_map(|path| path.strip_prefix(versioned)?.split('/').nth(1))
        .chain([service.name]);
    segments
        .flat_map(|segment| BASES.map(|base| format!("{base}/{segment}")))
        .collect()
}

fn root_paths(service: &Service) -> BTreeSet<String> {
    let paths = service.document.paths.paths.keys();
    paths
        .filter(|path| !path.starts_with("/api/") && !path.starts_with(INTERNAL))
        .cloned()
        .collect()
}

fn settings(entries: impl Iterator<Item = &'static Entry>) -> Vec<Setting> {
    entries
        .map(|entry| Setting {
            name: entry.name,
            about: entry.doc.trim(),
            default: entry.default,
            secret: entry.secret,
        })
        .collect()
}
