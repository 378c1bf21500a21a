//! The relay as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_background_task(
        "relay",
        relay::ABOUT,
        relay::config::Settings::ENTRIES,
        relay::config::start,
    )
    .await
}
