//! The manifest is complete, unambiguous, and equal to the committed file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use platform::{functions, functions::PAGES, manifest::Manifest, processes::caddyfile};

use super::registration::repository_root;

fn manifest() -> Manifest {
    Manifest::of(&functions::services().unwrap())
}

/// Returns the functions that claim this path.
fn functions_for_path(manifest: &Manifest, path: &str) -> Vec<&'static str> {
    let below = |prefix: &String| path == prefix || path.starts_with(&format!("{prefix}/"));
    manifest
        .functions
        .iter()
        .filter(|function| {
            function.prefixes.iter().any(below) || function.root_paths.contains(path)
        })
        .map(|function| function.name)
        .collect()
}

#[tokio::test]
async fn the_committed_manifest_is_up_to_date() {
    let committed = fs::read_to_string(repository_root().join("infra/manifest.json")).unwrap();
    assert_eq!(
        committed,
        manifest().to_json().unwrap(),
        "stale; run make prepare"
    );
}

#[tokio::test]
async fn every_path_belongs_to_exactly_one_function() {
    let manifest = manifest();
    for service in functions::services().unwrap() {
        for path in service.document.paths.paths.keys() {
            if path.starts_with("/internal/") {
                assert!(
                    functions_for_path(&manifest, path).is_empty(),
                    "{path} must not be public"
                );
                continue;
            }
            assert_eq!(
                functions_for_path(&manifest, path),
                [service.name],
                "{path}"
            );
            if let Some(rest) = path.strip_prefix("/api/v1/") {
                let short = format!("/api/{rest}");
                assert_eq!(
                    functions_for_path(&manifest, &short),
                    [service.name],
                    "{short}"
                );
            }
        }
        let own = format!("/api/v1/{}/openapi.json", service.name);
        assert_eq!(functions_for_path(&manifest, &own), [service.name], "{own}");
    }
}

#[tokio::test]
async fn subscriptions_name_known_functions_and_published_events() {
    let names: BTreeSet<_> = functions::ALL
        .iter()
        .map(|function| function.name)
        .collect();
    let published: BTreeSet<_> = functions::ALL
        .iter()
        .flat_map(|function| function.events)
        .map(|kind| kind.r#type)
        .collect();
    let manifest = manifest();
    assert!(!manifest.subscriptions.is_empty());
    for one in &manifest.subscriptions {
        assert!(names.contains(one.function.as_str()), "{one:?}");
        for kind in &one.types {
            assert!(
                published.contains(kind.as_str()),
                "no function publishes {kind}: {one:?}"
            );
        }
    }
}

#[tokio::test]
async fn secret_settings_are_marked() {
    let manifest = manifest();
    let secret: Vec<_> = manifest
        .settings
        .iter()
        .filter(|setting| setting.secret)
        .map(|setting| setting.name)
        .collect();
    assert_eq!(
        secret,
        [
            "DATABASE_URL",
            "REVALENZ_MASTER_KEY",
            "REVALENZ_INTERNAL_SECRET"
        ]
    );
    let relay = manifest.functions.iter().find(|one| one.name == "relay");
    let own: Vec<_> = relay.unwrap().settings.iter().map(|one| one.name).collect();
    assert!(own.contains(&"REVALENZ_MANIFEST"), "{own:?}");
}

#[tokio::test]
async fn the_proxy_routes_every_function_and_nothing_internal() {
    let names = functions::ALL.iter().map(|function| function.name);
    let ports: BTreeMap<_, u16> = names.chain([PAGES]).zip(9001..).collect();
    let text = caddyfile::text(&manifest(), "127.0.0.1", 9000, &ports).unwrap();
    for line in text.lines() {
        if line.trim_start().starts_with('@') {
            assert!(!line.contains("/internal"), "{line}");
        }
    }
    assert!(text.contains(" /api/tickets /api/tickets/* "));
    let missing = BTreeMap::from([("support", 9001)]);
    assert!(caddyfile::text(&manifest(), "127.0.0.1", 9000, &missing).is_err());
}
