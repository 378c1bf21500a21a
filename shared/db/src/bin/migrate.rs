//! `migrate`: applies the migrations to the database at `DATABASE_URL`, then creates the functions' logins.
//!
//! Runs as a job before a deployment.
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
        /// PostgreSQL URL of a role that may create roles and schemas.
        pub database_url: SecretString = "DATABASE_URL",
        /// JSON object from function to password; the logins `rvz_<function>_login` are created with these passwords.
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
                "applies database migrations",
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
    println!("migrated to {}", db::migrate::expected_version());
    if let Some(passwords) = &settings.login_passwords {
        let passwords: BTreeMap<String, String> = serde_json::from_str(passwords.expose())?;
        for (function, password) in &passwords {
            if !db::migrate::functions().contains(function) {
                return Err(format!(
                    "REVALENZ_LOGIN_PASSWORDS contains the unknown function {function}"
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
