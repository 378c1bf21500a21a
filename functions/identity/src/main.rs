//! The binary of the identity function.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "one command prints its result"
)]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, address] = arguments.as_slice()
        && command == "bootstrap-superadmin"
    {
        return match identity::bootstrap::command(address).await {
            Ok(link) => {
                println!("{link}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("identity: {error}");
                ExitCode::FAILURE
            }
        };
    }
    identity::CONTEXT.run().await
}
