//! Programs that tests need and that are no crates.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// One is fetched after the other: two tests that want the same must not both unpack it.
static FETCHING: Mutex<()> = Mutex::new(());

/// The path that `infra/scripts/tool.sh` prints for a tool, fetching it first when it is missing.
///
/// `None`, and the reason said, where it can't be had: on somebody's laptop the test passes over that. In CI (`CI` is set) it
/// must be there.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "no setting of ours, and said to whoever runs the test"
)]
pub fn tool(name: &str) -> Option<PathBuf> {
    let fetching = FETCHING.lock().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new("infra/scripts/tool.sh")
        .arg(name)
        .current_dir(root)
        .output()
        .expect("infra/scripts/tool.sh can't be run");
    drop(fetching);
    if found.status.success() {
        let path = String::from_utf8(found.stdout).unwrap();
        return Some(PathBuf::from(path.trim()));
    }
    let why = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "CI does without no test. {why}"
    );
    println!("skipped: {why}");
    None
}
