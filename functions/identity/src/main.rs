//! The identity function as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_work(
        "identity",
        identity::ABOUT,
        identity::config::Environment::ENTRIES,
        identity::config::start,
    )
    .await
}
