//! The files function as a standalone process.

use std::process::ExitCode;

use files::{ABOUT, config};

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_background_task(
        "files",
        ABOUT,
        config::Settings::ENTRIES,
        config::start,
    )
    .await
}
