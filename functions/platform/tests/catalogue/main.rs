//! Tests of the schema linter: a migrated database has no violations, every violation is found, and the rules are effective.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod fixture;
mod logins;
mod mutants;
mod pool;
mod privileged;
mod rows;

use platform::functions;
use testkit::{Database, catalogue};

#[tokio::test]
async fn a_migrated_database_has_no_violations() {
    let database = Database::create().await;
    let found = catalogue::violations(&mut database.admin().await, functions::ALL).await;
    assert!(
        found.is_empty(),
        "{} violations:\n{}",
        found.len(),
        found.join("\n")
    );
}
