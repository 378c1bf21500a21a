//! Runs every function in one process: on a laptop, on one small server, and in tests.
//!
//! The platform owns no data and no API endpoint. It finds or starts PostgreSQL, migrates it, gives each function a login and a
//! small pool, composes their routers behind one port, and loads a demo on the first start. It also serves the landing page, the
//! reference and the merged OpenAPI document, and prints the generated files that need all functions ([`generators`]).

mod background;
pub mod console;
pub mod containers;
mod database;
mod demo;
mod environment;
mod exposure;
pub mod functions;
pub mod generators;
pub mod manifest;
mod pages;
pub mod processes;
pub mod scheduler;
mod secrets;
mod settings;
mod sign_ins;
pub mod site;
mod start;

/// Error that ends a command; its text says what to do.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command given on the command line.
pub async fn command(arguments: &[String]) -> Result<(), Error> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => start::run().await,
        ["--help" | "-h" | "help"] => {
            console::print_line(&settings::help());
            Ok(())
        }
        ["bootstrap-superadmin", address] => start::bootstrap_superadmin(address).await,
        ["--version" | "-V"] => {
            console::print_line(&format!("platform {}", web::service::VERSION));
            Ok(())
        }
        ["prepare"] => processes::prepare().await,
        ["pages"] => pages::run().await,
        ["clock"] => scheduler::run().await,
        [name, arguments @ ..] => {
            let text = generators::generate(name, arguments).await?;
            console::print_text(&text);
            Ok(())
        }
    }
}
