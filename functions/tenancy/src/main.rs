//! tenancy as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_background_task(
        tenancy::NAME,
        tenancy::ABOUT,
        tenancy::config::Settings::ENTRIES,
        tenancy::config::start,
    )
    .await
}
