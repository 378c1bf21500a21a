//! The files function as a standalone process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    files::CONTEXT.run().await
}
