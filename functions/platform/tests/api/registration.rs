//! The places where a new function is registered (docs/adding-a-function.md). `infra/scripts/new-function.sh` counts them by adding
//! one; these tests find a fifth place early.

use std::{
    fs,
    path::{Path, PathBuf},
};

use platform::functions;

/// Returns the root of the repository.
pub fn repository_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_function_folder_is_listed() {
    let mut folders: Vec<String> = fs::read_dir(repository_root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "platform")
        .collect();
    folders.sort();
    let mut listed: Vec<&str> = functions::ALL
        .iter()
        .map(|function| function.name)
        .collect();
    listed.sort_unstable();
    assert_eq!(folders, listed, "functions/platform/src/functions.rs");
}

#[test]
fn every_function_has_a_row_and_a_readme() {
    let readme = fs::read_to_string(repository_root().join("README.md")).unwrap();
    for function in functions::ALL {
        let name = function.name;
        assert!(
            readme.contains(&format!("(functions/{name}/README.md)")),
            "README.md has no row for {name}"
        );
        let own = fs::read_to_string(repository_root().join(format!("functions/{name}/README.md")))
            .unwrap_or_else(|_| panic!("functions/{name}/README.md is missing"));
        assert!(
            own.lines().count() <= 40,
            "functions/{name}/README.md: at most 40 lines"
        );
    }
}

/// Source files that name a function, and why.
const NAMING: &[(&str, &str, &str)] = &[
    (
        "functions/platform/src/functions.rs",
        "",
        "the list of functions",
    ),
    (
        "functions/platform/src/background.rs",
        "relay",
        "in one process, the platform delivers events through the relay's library",
    ),
    (
        "functions/platform/src/start.rs",
        "relay",
        "the same: it chooses the bus",
    ),
    (
        "functions/platform/src/start.rs",
        "identity",
        "invites the first superadmin, and refuses a demo's in public, which no endpoint does",
    ),
    (
        "functions/platform/src/generators/registry.rs",
        "tenancy",
        "flags and metrics of planned contexts",
    ),
    (
        "functions/platform/src/demo.rs",
        "identity",
        "creates the superadmin, which no endpoint does",
    ),
    (
        "shared/testkit/src/moto.rs",
        "files",
        "the name of a bucket",
    ),
    (
        "shared/testkit/src/fake_gcs.rs",
        "files",
        "the name of a bucket",
    ),
    (
        "shared/events/src/push.rs",
        "notifications",
        "the example of a push message",
    ),
];

#[test]
fn no_source_file_names_a_function_without_a_reason() {
    let mut found = Vec::new();
    let mut used = Vec::new();
    for file in source_files() {
        let path = file.strip_prefix(repository_root()).unwrap();
        let path = path.to_str().unwrap();
        for name in names_in(&fs::read_to_string(&file).unwrap()) {
            let reason = NAMING
                .iter()
                .position(|(file, of, _)| *file == path && (of.is_empty() || *of == name));
            match reason {
                Some(position) => used.push(position),
                None => found.push(format!("{path} names {name}")),
            }
        }
    }
    assert!(
        found.is_empty(),
        "declare it in the function's CONTEXT instead: {found:#?}"
    );
    let unused = NAMING
        .iter()
        .enumerate()
        .filter(|(position, _)| !used.contains(position))
        .map(|(_, (file, name, _))| format!("{file} {name}"));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<String>::new());
}

/// The functions that code names, as a crate or a literal. Comments and tests may name them.
fn names_in(text: &str) -> Vec<&'static str> {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let names = functions::names().into_iter();
    names
        .filter(|name| {
            let (literal, krate) = (format!("\"{name}\""), format!("{name}::"));
            code.iter().any(|line| {
                let is_crate = line.match_indices(&krate).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
                });
                is_crate || line.contains(&literal)
            })
        })
        .collect()
}

/// The sources of the platform and of the shared crates.
fn source_files() -> Vec<PathBuf> {
    let mut folders = vec![repository_root().join("functions/platform/src")];
    for entry in fs::read_dir(repository_root().join("shared")).unwrap() {
        folders.push(entry.unwrap().path().join("src"));
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // A file of tests alone.
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                files.push(path);
            }
        }
    }
    files
}
