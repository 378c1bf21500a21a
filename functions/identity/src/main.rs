//! The identity function as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run("identity", identity::ABOUT, identity::service).await
}
