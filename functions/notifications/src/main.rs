//! The notifications function as a process of its own.

use std::process::ExitCode;

use notifications::{ABOUT, config};

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_work(
        "notifications",
        ABOUT,
        config::Settings::ENTRIES,
        config::start,
    )
    .await
}
