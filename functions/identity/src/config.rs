//! Settings of this context: durations and limits with their defaults (`decisions.md` 10 and 18).

use std::time::Duration;

use chrono::TimeDelta;
use events::{Parts, StartError, Started};
use web::settings::SecretString;

use crate::Providers;

web::settings! {
    /// Settings that only the identity function reads.
    pub struct Environment {
        /// OpenID Connect providers for sign-in: a JSON array, or the path of a file that contains one. Each provider has name, issuer, client_id, client_secret (or apple with team_id, key_id and private_key) and optionally label and scopes.
        pub oidc_providers: Option<SecretString> = "REVALENZ_OIDC_PROVIDERS",
    }
}

/// Builds the service from its environment.
pub(crate) fn start(parts: Parts) -> Result<Started, StartError> {
    let environment = Environment::read(parts.environment.lookup())?;
    // Only a developer's machine may have a provider on the same machine.
    let is_local = parts.state.settings().local;
    let settings = Settings {
        providers: providers(environment.oidc_providers.as_ref(), is_local)?,
        ..Settings::default()
    };
    Ok(crate::service_with(parts.db, parts.state, settings).into())
}

fn providers(setting: Option<&SecretString>, local: bool) -> Result<Providers, String> {
    let Some(setting) = setting.map(SecretString::expose) else {
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

/// Durations and limits. Processes use the defaults; tests override them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the immediate predecessor of a refresh token is still accepted; zero disables this.
    pub refresh_overlap: TimeDelta,
    /// Failed sign-ins allowed per account from one network within `failure_window`; ten times as many from all networks.
    pub failures_per_account: u32,
    /// Failed sign-ins allowed per IP address within `failure_window`.
    pub failures_per_address: u32,
    /// Incorrect codes allowed per account within `failure_window`.
    pub wrong_codes_per_account: u32,
    /// How long a failed sign-in is counted.
    pub failure_window: TimeDelta,
    /// How long a sign-in may wait for its second factor, and a new authenticator app for its first code.
    pub mfa_challenge_ttl: TimeDelta,
    /// Validity of an invitation.
    pub invite_lifetime: TimeDelta,
    /// Validity of the link that verifies an email address.
    pub verify_lifetime: TimeDelta,
    /// How long a key signs before it is rotated.
    pub signing_key_lifetime: TimeDelta,
    /// How long a key is published before it signs; must exceed the time for which clients cache the key set.
    pub signing_key_lead: TimeDelta,
    /// Validity of the link that resets a password.
    pub reset_lifetime: TimeDelta,
    /// Validity of a sign-in link.
    pub magic_link_lifetime: TimeDelta,
    /// Validity of the link that confirms a new email address.
    pub email_change_lifetime: TimeDelta,
    /// Emails that can be requested per email address within `mail_window`.
    pub mails_per_account: u32,
    /// Emails that can be requested per IP address within `mail_window`.
    pub mails_per_address: u32,
    /// How long a requested email is counted.
    pub mail_window: TimeDelta,
    /// Response time of requests for an email, rounded up to a multiple of this: the timing must not reveal whether the email
    /// address is known.
    pub mail_response_step: Duration,
    /// OpenID Connect providers for sign-in.
    pub providers: Providers,
    /// How long a sign-in at a provider may take.
    pub oauth_flow_lifetime: TimeDelta,
    /// Validity of the code that the page exchanges for tokens.
    pub sign_in_code_lifetime: TimeDelta,
    /// Maximum number of concurrent password hashes; each takes 19 MiB and one core.
    pub max_concurrent_hashes: usize,
    /// Maximum number of requests waiting for a hash; further ones are refused with 503.
    pub max_queued_hashes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            refresh_overlap: TimeDelta::seconds(30),
            failures_per_account: 10,
            failures_per_address: 100,
            wrong_codes_per_account: 15,
            failure_window: TimeDelta::minutes(15),
            mfa_challenge_ttl: TimeDelta::seconds(300),
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
            mail_response_step: Duration::from_millis(250),
            providers: Providers::default(),
            oauth_flow_lifetime: TimeDelta::minutes(10),
            sign_in_code_lifetime: TimeDelta::seconds(60),
            max_concurrent_hashes: std::thread::available_parallelism().map_or(2, usize::from),
            max_queued_hashes: 128,
        }
    }
}
