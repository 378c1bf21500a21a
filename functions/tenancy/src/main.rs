//! tenancy as a process of its own.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    access::process::run(tenancy::NAME, tenancy::ABOUT, tenancy::service).await
}
