//! The support function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run("support", support::ABOUT, support::service).await
}
