//! The binary of the identity function.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, address] = arguments.as_slice()
        && command == "bootstrap-superadmin"
    {
        return match identity::bootstrap::command(address).await {
            Ok(link) => {
                web::console::print_line(&link);
                ExitCode::SUCCESS
            }
            Err(error) => {
                web::console::print_error(&format!("identity: {error}"));
                ExitCode::FAILURE
            }
        };
    }
    identity::CONTEXT.run().await
}
