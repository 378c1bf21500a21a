//! The support function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    support::CONTEXT.run().await
}
