//! The database's own catalogue: a migrated one breaks no rule, each broken rule is seen, and the rules do what they are for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod beyond;
mod filled;
mod logins;
mod mutants;
mod pool;
mod rows;

use testkit::{Database, catalogue};

#[tokio::test]
async fn a_migrated_database_breaks_no_rule() {
    let database = Database::create().await;
    let found = catalogue::violations(&mut database.admin().await).await;
    assert!(
        found.is_empty(),
        "{} rules are broken:\n{}",
        found.len(),
        found.join("\n")
    );
}
