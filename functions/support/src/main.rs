//! The support function as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run("support", support::ABOUT, support::service).await
}
