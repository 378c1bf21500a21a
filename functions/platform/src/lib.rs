//! Every function in one process: for a laptop, for one small server, for tests of the whole.
//!
//! The platform owns no data and no endpoint of the API. It finds or starts PostgreSQL, brings it up to date, gives each
//! function its own login and a small pool, composes their routers behind one port, loads a demo on its first start, and
//! serves what belongs to no function: the landing page, the reference, the merged OpenAPI document. It also prints
//! every generated file that needs to know all functions ([`catalogue`]).

pub mod catalogue;
pub mod containers;
mod database;
mod delivery;
mod demo;
pub mod functions;
pub mod manifest;
mod pages;
pub mod processes;
mod secrets;
mod settings;
mod sign_ins;
pub mod site;
mod start;
pub mod terminal;
pub mod timetable;

/// What ends a command early; its text says what to do.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Does what the command line asks for.
pub async fn command(arguments: &[String]) -> Result<(), Error> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => start::run().await,
        ["--help" | "-h" | "help"] => {
            terminal::say(&settings::help());
            Ok(())
        }
        ["prepare"] => processes::prepare().await,
        ["pages"] => pages::run().await,
        ["clock"] => timetable::run().await,
        [what, rest @ ..] => {
            let text = catalogue::generate(what, rest).await?;
            terminal::print(&text);
            Ok(())
        }
    }
}
