//! How an organisation presents itself in emails.

use access::declarations::{Setting, TextFormat};
use serde_json::{Map, Value};

use crate::declarations::{BRANDING_COLOUR, BRANDING_NAME, SENDER_ADDRESS, SENDER_NAME};

/// Used when an organisation has not chosen a colour.
const DEFAULT_COLOUR: &str = "#0b6650";

/// Name, colour and sender of an organisation, from its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Branding {
    pub(crate) name: String,
    /// `#rrggbb`.
    pub(crate) colour: String,
    /// The sender's display name.
    pub(crate) sender: String,
    /// The address for replies.
    pub(crate) reply_to: Option<String>,
}

impl Branding {
    /// `settings` are the effective settings from tenancy's projection.
    pub(crate) fn from_settings(tenant_name: &str, settings: &Map<String, Value>) -> Self {
        let text = |setting: Setting<Option<&'static str>>| {
            let text = setting.read_from(settings)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let name = text(BRANDING_NAME).unwrap_or_else(|| tenant_name.to_owned());
        Self {
            sender: text(SENDER_NAME).unwrap_or_else(|| name.clone()),
            reply_to: text(SENDER_ADDRESS),
            // The colour is inserted into a style sheet, where HTML escaping does not help.
            colour: text(BRANDING_COLOUR)
                .filter(|colour| TextFormat::Colour.parse(colour).is_ok())
                .unwrap_or_else(|| DEFAULT_COLOUR.to_owned()),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn branding(settings: Value) -> Branding {
        Branding::from_settings("Demo GmbH", settings.as_object().unwrap())
    }

    #[test]
    fn branding_follows_the_settings_of_the_organisation() {
        let default = branding(json!({"branding": {"name": null}}));
        assert_eq!(
            (default.name.as_str(), default.sender.as_str()),
            ("Demo GmbH", "Demo GmbH")
        );
        assert_eq!(
            (default.colour.as_str(), default.reply_to),
            (DEFAULT_COLOUR, None)
        );
        let custom = branding(json!({
            "branding": {"name": "Demo", "colour": "#A1b2C3"},
            "mail_sender": {"name": "Help desk", "address": "help@demo.example"},
        }));
        assert_eq!(
            (custom.name.as_str(), custom.sender.as_str()),
            ("Demo", "Help desk")
        );
        assert_eq!(custom.colour, "#A1b2C3");
        assert_eq!(custom.reply_to.as_deref(), Some("help@demo.example"));
    }

    #[test]
    fn an_invalid_colour_is_replaced_by_the_default() {
        for colour in ["red", "#fff", "#12345", "#1234567", "#12345;", "#fff}*{x"] {
            let settings = json!({"branding": {"colour": colour}});
            assert_eq!(branding(settings).colour, DEFAULT_COLOUR, "{colour}");
        }
    }
}
