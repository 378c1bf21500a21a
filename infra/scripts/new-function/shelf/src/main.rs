//! The shelf function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    shelf::CONTEXT.run().await
}
