//! The relay function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    relay::CONTEXT.run().await
}
