//! `platform`: runs every function in one process. `platform --help` lists settings and commands.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match platform::command(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            platform::console::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
