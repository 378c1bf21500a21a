//! `migrate`: brings the database at `DATABASE_URL` up to date, then makes the functions' logins.
//!
//! A job of its own, before the roll-out.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program"
)]

use std::{collections::BTreeMap, process::ExitCode};

use web::settings::{SecretString, help};

web::settings! {
    /// Settings of the migration job.
    pub struct Settings {
        /// URL of an administrator who may create roles and schemas.
        pub database_url: SecretString = "DATABASE_URL",
        /// JSON object of function to password: logins `rvz_<function>_login` are made with them.
        pub login_passwords: Option<SecretString> = "REVALENZ_LOGIN_PASSWORDS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!(
            "{}",
            help(
                "migrate",
                "brings the database up to date",
                &[Settings::ENTRIES]
            )
        );
        return ExitCode::SUCCESS;
    }
    match migrate().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("migrate: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn migrate() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::read(&web::settings::environment)?;
    let url = settings.database_url.expose();
    db::migrate::run(url).await?;
    println!("migrations up to {}", db::migrate::expected_version());
    if let Some(passwords) = &settings.login_passwords {
        let passwords: BTreeMap<String, String> = serde_json::from_str(passwords.expose())?;
        for (function, password) in &passwords {
            if !db::migrate::functions().contains(function) {
                return Err(format!(
                    "REVALENZ_LOGIN_PASSWORDS names {function}, which is no function"
                )
                .into());
            }
            println!(
                "login {}",
                db::migrate::ensure_login(url, function, password).await?
            );
        }
    }
    Ok(())
}
