//! The places that a new function must not forget (docs/adding-a-function.md).

use std::{fs, path::Path};

use platform::functions;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn every_folder_of_a_function_is_composed() {
    let mut folders: Vec<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "platform")
        .collect();
    folders.sort();
    let mut composed: Vec<&str> = functions::ALL
        .iter()
        .map(|function| function.name)
        .collect();
    composed.sort_unstable();
    assert_eq!(folders, composed, "functions/platform/src/functions.rs");
}

#[test]
fn every_function_has_its_row_its_readme_and_its_generated_document() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let generated = fs::read_to_string(root().join("infra/scripts/generate.sh")).unwrap();
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
        let own = fs::read_to_string(root().join(format!("functions/{name}/README.md")))
            .unwrap_or_else(|_| panic!("functions/{name}/README.md is missing"));
        assert!(
            own.lines().count() <= 40,
            "functions/{name}/README.md: at most 40 lines"
        );
    }
}
