//! Times and limits of this context, with the decided defaults (`decisions.md` 10 and 18).

use std::time::Duration;

use access::{Gate, process::Made};
use chrono::TimeDelta;
use db::Db;
use web::settings::{self, Hidden};

use crate::Providers;

web::settings! {
    /// What identity alone is told when it is a process of its own.
    pub struct Environment {
        /// Issuers on whose word people sign in: a JSON list, or the path of a file that holds one. Each has name, issuer, client_id, client_secret (or apple with team_id, key_id, private_key), and if it likes label and scopes.
        pub oidc_providers: Option<Hidden> = "REVALENZ_OIDC_PROVIDERS",
    }
}

/// The service with the settings of this process.
pub fn start(db: Db, gate: Gate) -> Made {
    let environment = Environment::read(&settings::environment)?;
    let settings =
        Settings::with_issuers(environment.oidc_providers.as_ref(), gate.settings().local)?;
    Ok((crate::service_with(db, gate, settings), None))
}

fn providers(setting: Option<&Hidden>, local: bool) -> Result<Providers, String> {
    let Some(setting) = setting.map(Hidden::expose) else {
        return Ok(Providers::default());
    };
    let read = if setting.trim_start().starts_with('[') {
        Providers::parse(setting, local)
    } else {
        std::fs::read_to_string(setting)
            .map_err(|error| error.to_string())
            .and_then(|text| Providers::parse(&text, local))
    };
    read.map_err(|error| format!("REVALENZ_OIDC_PROVIDERS: {error}"))
}

/// What can be tuned. A process takes the defaults; tests bend them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the immediate parent of a refresh token is accepted again; zero never accepts it.
    pub refresh_overlap: TimeDelta,
    /// A session ends this long after its last refresh, unless the tenant says otherwise.
    pub session_idle: TimeDelta,
    /// And this long after it began, unless the tenant says otherwise.
    pub session_absolute: TimeDelta,
    /// Failed sign-ins that one account may have within the window.
    pub failures_per_account: u32,
    /// Failed sign-ins that one address may have within the window.
    pub failures_per_address: u32,
    /// Wrong codes that one account may have within the window.
    pub wrong_codes_per_account: u32,
    /// How long a failed sign-in counts.
    pub failure_window: TimeDelta,
    /// How long a sign-in waits for its second factor, and a new authenticator app for its first code.
    pub factor_patience: TimeDelta,
    /// How long an invitation is good.
    pub invite_lifetime: TimeDelta,
    /// How long the link that proves an address is good.
    pub verify_lifetime: TimeDelta,
    /// How old the key that signs becomes.
    pub signing_key_lifetime: TimeDelta,
    /// How long a key is published before it signs; longer than anybody remembers the key set.
    pub signing_key_lead: TimeDelta,
    /// How long the link that sets a new password is good.
    pub reset_lifetime: TimeDelta,
    /// How long the link that signs in is good.
    pub magic_link_lifetime: TimeDelta,
    /// How long the link that brings another address is good.
    pub email_change_lifetime: TimeDelta,
    /// Mails that can be asked for to one address within their window.
    pub mails_per_account: u32,
    /// Mails that one client's address can ask for within their window.
    pub mails_per_address: u32,
    /// How long a mail that was asked for counts.
    pub mail_window: TimeDelta,
    /// When somebody who asks for a mail is answered, whatever was done meanwhile: the time must not tell whether the address
    /// is known.
    pub mail_answer_after: Duration,
    /// Issuers on whose word people sign in.
    pub providers: Providers,
    /// How long somebody may be away at an issuer.
    pub sign_in_away: TimeDelta,
    /// How long the code is good with which the page gets its tokens.
    pub sign_in_code: TimeDelta,
    /// Password hashes at the same time: 19 MiB and one core each.
    pub hashes_at_once: usize,
    /// Requests that may wait for a hash; more are refused with 503.
    pub hashes_waiting: usize,
}

impl Settings {
    /// The defaults with the issuers that a setting names; on a laptop (`local`) also those of this machine.
    pub fn with_issuers(setting: Option<&Hidden>, local: bool) -> Result<Self, String> {
        Ok(Self {
            providers: providers(setting, local)?,
            ..Self::default()
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            refresh_overlap: TimeDelta::seconds(30),
            session_idle: TimeDelta::days(30),
            session_absolute: TimeDelta::days(90),
            failures_per_account: 10,
            failures_per_address: 100,
            wrong_codes_per_account: 15,
            failure_window: TimeDelta::minutes(15),
            factor_patience: TimeDelta::seconds(300),
            invite_lifetime: TimeDelta::days(7),
            verify_lifetime: TimeDelta::hours(24),
            signing_key_lifetime: TimeDelta::days(30),
            signing_key_lead: TimeDelta::hours(1),
            reset_lifetime: TimeDelta::hours(1),
            magic_link_lifetime: TimeDelta::minutes(15),
            email_change_lifetime: TimeDelta::hours(1),
            mails_per_account: 5,
            mails_per_address: 30,
            mail_window: TimeDelta::hours(1),
            mail_answer_after: Duration::from_millis(250),
            providers: Providers::default(),
            sign_in_away: TimeDelta::minutes(10),
            sign_in_code: TimeDelta::seconds(60),
            hashes_at_once: std::thread::available_parallelism().map_or(2, usize::from),
            hashes_waiting: 128,
        }
    }
}
