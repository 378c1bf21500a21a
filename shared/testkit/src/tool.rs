//! External programs used by tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// Serialises downloads, so that two tests do not unpack the same tool at once.
static FETCHING: Mutex<()> = Mutex::new(());

/// The path of a tool as printed by `infra/scripts/tool.sh`, which downloads it if missing.
///
/// `None` with a printed reason if it is unavailable: the test is then skipped locally. In CI (`CI` is set) the tool is
/// required.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "CI is not a setting of ours, and the reason is for the person running the test"
)]
pub fn tool(name: &str) -> Option<PathBuf> {
    let fetching = FETCHING.lock().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new("infra/scripts/tool.sh")
        .arg(name)
        .current_dir(root)
        .output()
        .expect("cannot run infra/scripts/tool.sh");
    drop(fetching);
    if found.status.success() {
        let path = String::from_utf8(found.stdout).unwrap();
        return Some(PathBuf::from(path.trim()));
    }
    let why = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "tests must not be skipped in CI: {why}"
    );
    println!("skipped: {why}");
    None
}
