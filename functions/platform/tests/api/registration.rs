//! The places where a new function must be registered (docs/adding-a-function.md).

use std::{fs, path::Path};

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
fn every_function_has_a_row_a_readme_and_a_generated_document() {
    let readme = fs::read_to_string(repository_root().join("README.md")).unwrap();
    let generated =
        fs::read_to_string(repository_root().join("infra/scripts/generate.sh")).unwrap();
    for function in functions::ALL {
        let name = function.name;
        assert!(
            readme.contains(&format!("(functions/{name}/README.md)")),
            "README.md has no row for {name}"
        );
        assert!(
            generated.contains(&format!("platform openapi {name}\n")),
            "generate.sh does not write {name}'s document"
        );
        let own = fs::read_to_string(repository_root().join(format!("functions/{name}/README.md")))
            .unwrap_or_else(|_| panic!("functions/{name}/README.md is missing"));
        assert!(
            own.lines().count() <= 40,
            "functions/{name}/README.md: at most 40 lines"
        );
    }
}
