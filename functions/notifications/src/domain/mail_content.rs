//! The variables of an email: organisation, recipient, ticket, link.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use web::Language;

use super::template::Template;

/// The form of [`MailParams::at`].
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M UTC";

const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// What is stored with a message: identifiers and enumerated values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MailParams {
    /// The ticket's number, `T-1042`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    /// The ticket's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_id: Option<ids::TicketId>,
    /// Browser and operating system, `Firefox, Linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// When it happened, in [`TIME_FORMAT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// The metric of a quota, `llm_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metric: Option<String>,
    /// How much of the quota is used, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<String>,
    /// The recipient's time zone; UTC if it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    /// What it is about: a host, the name of an API key, a role or a provider, the number of recovery codes left.
    pub(crate) what: Option<String>,
}

impl MailParams {
    /// With what it is about.
    pub(crate) fn about(self, what: String) -> Self {
        Self {
            what: Some(what),
            ..self
        }
    }

    /// For a recipient in this time zone.
    pub(crate) fn in_time_zone(self, name: &str) -> Self {
        Self {
            time_zone: Some(name.to_owned()),
            ..self
        }
    }

    /// When it happened, in the recipient's time zone. A text in another form is returned unchanged.
    fn local_time(&self, language: Language) -> Option<String> {
        let at = self.at.as_deref()?;
        let Ok(time) = NaiveDateTime::parse_from_str(at, TIME_FORMAT) else {
            return Some(at.to_owned());
        };
        let zone = self.time_zone.as_deref().and_then(|name| name.parse().ok());
        let time = time.and_utc().with_timezone(&zone.unwrap_or(Tz::UTC));
        Some(match language {
            Language::De => {
                let month = GERMAN_MONTHS[time.month0() as usize];
                let (day, year) = (time.day(), time.year());
                let clock = time.format("%H:%M");
                // Readers know their own time; only the other one needs its name.
                let suffix = if zone.is_some() { "" } else { " UTC" };
                format!("{day}. {month} {year} um {clock} Uhr{suffix}")
            }
            Language::En => time.format("%-d %B %Y at %H:%M %Z").to_string(),
        })
    }
}

/// The variables of a template. A template that uses a variable that is `None` fails.
#[derive(Clone, Debug)]
pub(crate) struct MailContent<'a> {
    pub(crate) organisation: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) number: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
    pub(crate) at: Option<String>,
    pub(crate) metric: Option<&'a str>,
    pub(crate) percent: Option<&'a str>,
    pub(crate) what: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) link: Option<String>,
}

impl<'a> MailContent<'a> {
    /// Content without a link.
    pub(crate) fn new(
        organisation: &'a str,
        colour: &'a str,
        name: Option<&'a str>,
        params: &'a MailParams,
        language: Language,
    ) -> Self {
        Self {
            organisation,
            colour,
            name,
            number: params.number.as_deref(),
            device: params.device.as_deref(),
            at: params.local_time(language),
            metric: params.metric.as_deref(),
            percent: params.percent.as_deref(),
            what: params.what.as_deref(),
            token: None,
            link: None,
        }
    }

    /// The variables by name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("organisation", Some(self.organisation)),
            ("colour", Some(self.colour)),
            ("name", self.name),
            ("number", self.number),
            ("device", self.device),
            ("at", self.at.as_deref()),
            ("metric", self.metric),
            ("percent", self.percent),
            ("what", self.what),
            ("token", self.token),
            ("link", self.link.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// The time in [`TIME_FORMAT`].
pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    time.format(TIME_FORMAT).to_string()
}

/// The page that a message links to. Frontends serve these pages. The part behind `#` reaches no server and no log.
pub(crate) fn link_url(
    base: &str,
    template: Template,
    params: &MailParams,
    token: Option<&str>,
) -> Option<String> {
    match template {
        Template::TicketOpened
        | Template::TicketAssigned
        | Template::TicketResolved
        | Template::TicketClosed
        | Template::TicketCommented => Some(format!("{base}/tickets/{}", params.ticket_id?)),
        Template::VerifyEmail => Some(format!("{base}/verify-email#token={}", token?)),
        Template::Invite => Some(format!("{base}/accept-invite#token={}", token?)),
        Template::AccountViewed => Some(format!("{base}/account/activity")),
        Template::MfaEnabled
        | Template::MfaDisabled
        | Template::RoleChanged
        | Template::IdentityLinked
        | Template::IdentityUnlinked
        | Template::RecoveryCodeUsed => Some(format!("{base}/account/security")),
        // The reader can no longer sign in with this address.
        Template::EmailReplaced => None,
        Template::QuotaWarning => Some(format!("{base}/organisation/usage")),
        Template::ResetPassword => Some(format!("{base}/reset-password#token={}", token?)),
        Template::MagicLink => Some(format!("{base}/magic-link#token={}", token?)),
        Template::ChangeEmail => Some(format!("{base}/change-email#token={}", token?)),
        // Without a token the page offers to send a reset link.
        Template::EmailChangeRequested | Template::PasswordChanged | Template::NewDevice => {
            Some(format!("{base}/reset-password"))
        }
        Template::TenantPastDue
        | Template::TenantSuspended
        | Template::TenantReactivated
        | Template::TenantClosing => Some(format!("{base}/organisation")),
        Template::ApiKeyExpiring => Some(format!("{base}/organisation/api-keys")),
        Template::DomainFailing | Template::DomainReleased => {
            Some(format!("{base}/organisation/domains"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_out_in_the_language_and_zone_of_the_recipient() {
        let summer = "2026-07-31 22:05 UTC";
        let winter = "2026-11-30 23:59 UTC";
        for (at, zone, german, english) in [
            (
                winter,
                None,
                "30. November 2026 um 23:59 Uhr UTC",
                "30 November 2026 at 23:59 UTC",
            ),
            (
                winter,
                Some("Europe/Berlin"),
                "1. Dezember 2026 um 00:59 Uhr",
                "1 December 2026 at 00:59 CET",
            ),
            (
                summer,
                Some("Europe/Berlin"),
                "1. August 2026 um 00:05 Uhr",
                "1 August 2026 at 00:05 CEST",
            ),
            (
                winter,
                Some("Nowhere/Here"),
                "30. November 2026 um 23:59 Uhr UTC",
                "30 November 2026 at 23:59 UTC",
            ),
            ("soon", None, "soon", "soon"),
        ] {
            let params = MailParams {
                at: Some(at.to_owned()),
                time_zone: zone.map(str::to_owned),
                ..MailParams::default()
            };
            assert_eq!(params.local_time(Language::De).as_deref(), Some(german));
            assert_eq!(params.local_time(Language::En).as_deref(), Some(english));
        }
    }
}
