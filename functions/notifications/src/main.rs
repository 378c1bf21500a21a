//! The notifications function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    notifications::CONTEXT.run().await
}
