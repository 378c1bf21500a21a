//! What a template may say: the organisation, the recipient, the ticket, the link.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::template::Template;

/// The colour of an organisation that has none of its own.
const COLOUR: &str = "#0b6650";

/// The organisation in whose name somebody is written to, by its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Organisation {
    pub(crate) name: String,
    /// `#rrggbb`.
    pub(crate) colour: String,
    /// The sender's name.
    pub(crate) sender: String,
    /// Where answers go.
    pub(crate) reply_to: Option<String>,
}

impl Organisation {
    /// `settings` are those in force, as tenancy mirrors them.
    pub(crate) fn of(tenant_name: &str, settings: &Map<String, Value>) -> Self {
        let word = |group: &str, member: &str| {
            let text = settings.get(group)?.get(member)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let name = word("branding", "name").unwrap_or_else(|| tenant_name.to_owned());
        Self {
            sender: word("mail_sender", "name").unwrap_or_else(|| name.clone()),
            reply_to: word("mail_sender", "address"),
            // It goes into a style sheet, where escaping for HTML does not help.
            colour: word("branding", "colour")
                .filter(|colour| is_colour(colour))
                .unwrap_or_else(|| COLOUR.to_owned()),
            name,
        }
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What is kept beside a message: identifiers and plain words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    /// The ticket's number, `T-1042`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    /// Which ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_id: Option<ids::TicketId>,
    /// The kind of device, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    /// When it happened, `2026-11-20 10:00 UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// What is metered: `llm_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metric: Option<String>,
    /// How much of its limit was used, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<String>,
    /// Which host or key it is about.
    pub(crate) what: Option<String>,
}

/// What a template is given. What is `None` is missing, and a template that names it fails.
#[derive(Clone, Debug)]
pub(crate) struct Letter<'a> {
    pub(crate) organisation: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) number: Option<&'a str>,
    pub(crate) device: Option<&'a str>,
    pub(crate) at: Option<&'a str>,
    pub(crate) metric: Option<&'a str>,
    pub(crate) percent: Option<&'a str>,
    pub(crate) what: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) link: Option<String>,
}

impl Letter<'_> {
    /// The variables by name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("organisation", Some(self.organisation)),
            ("colour", Some(self.colour)),
            ("name", self.name),
            ("number", self.number),
            ("device", self.device),
            ("at", self.at),
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

/// The page that a message leads to. Frontends serve these pages; what stands behind `#` reaches no server and no log.
pub(crate) fn link(
    base: &str,
    template: Template,
    params: &Params,
    token: Option<&str>,
) -> Option<String> {
    match template {
        Template::TicketOpened | Template::TicketAssigned | Template::TicketCommented => {
            Some(format!("{base}/tickets/{}", params.ticket_id?))
        }
        Template::VerifyEmail => Some(format!("{base}/verify-email#token={}", token?)),
        Template::Invite => Some(format!("{base}/accept-invite#token={}", token?)),
        Template::AccountViewed => Some(format!("{base}/account/activity")),
        Template::MfaEnabled | Template::MfaDisabled => Some(format!("{base}/account/security")),
        Template::QuotaWarning => Some(format!("{base}/organisation/usage")),
        Template::ResetPassword => Some(format!("{base}/reset-password#token={}", token?)),
        Template::MagicLink => Some(format!("{base}/magic-link#token={}", token?)),
        Template::ChangeEmail => Some(format!("{base}/change-email#token={}", token?)),
        // Without a token the page asks whether to send one.
        Template::EmailChangeAsked | Template::PasswordChanged | Template::NewDevice => {
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
    use serde_json::json;

    use super::*;

    fn organisation(settings: Value) -> Organisation {
        Organisation::of("Demo GmbH", settings.as_object().unwrap())
    }

    #[test]
    fn an_organisation_shows_itself_as_its_settings_say() {
        let plain = organisation(json!({"branding": {"name": null}}));
        assert_eq!(
            (plain.name.as_str(), plain.sender.as_str()),
            ("Demo GmbH", "Demo GmbH")
        );
        assert_eq!((plain.colour.as_str(), plain.reply_to), (COLOUR, None));
        let dressed = organisation(json!({
            "branding": {"name": "Demo", "colour": "#A1b2C3"},
            "mail_sender": {"name": "Help desk", "address": "help@demo.example"},
        }));
        assert_eq!(
            (dressed.name.as_str(), dressed.sender.as_str()),
            ("Demo", "Help desk")
        );
        assert_eq!(dressed.colour, "#A1b2C3");
        assert_eq!(dressed.reply_to.as_deref(), Some("help@demo.example"));
    }

    #[test]
    fn only_a_colour_gets_into_the_style_sheet() {
        for colour in ["red", "#fff", "#12345", "#1234567", "#12345;", "#fff}*{x"] {
            let settings = json!({"branding": {"colour": colour}});
            assert_eq!(organisation(settings).colour, COLOUR, "{colour}");
        }
    }
}
