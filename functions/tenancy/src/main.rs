//! The tenancy function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tenancy::CONTEXT.run().await
}
