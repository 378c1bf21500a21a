//! The files function as a process of its own.

use std::process::ExitCode;

use files::{ABOUT, config};

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run_with_work("files", ABOUT, config::Settings::ENTRIES, config::start).await
}
