//! The relay as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_work(
        "relay",
        relay::ABOUT,
        relay::config::Settings::ENTRIES,
        relay::config::start,
    )
    .await
}
