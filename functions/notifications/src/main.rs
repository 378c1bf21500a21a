//! The notifications function as a standalone process.

use std::process::ExitCode;

use notifications::{ABOUT, config};

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_background_task(
        "notifications",
        ABOUT,
        config::Settings::ENTRIES,
        config::start,
    )
    .await
}
