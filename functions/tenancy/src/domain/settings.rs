//! The settings of a tenant: one typed schema, its defaults, and the rules between settings.

use serde::{Deserialize, Serialize};
use web::{Localized, SingleLine, problem::FieldCode};

web::text_enum! {
    /// Who may become a user of the tenant.
    pub enum Registration {
        /// Anyone.
        Open = "open",
        /// Invited people only.
        Invite = "invite",
        /// No one.
        Closed = "closed",
    }
}

/// The key that is stored as the tenant's locale.
pub(crate) const LOCALE: &str = "locale";
/// The locale of a tenant that never chose one.
pub(crate) const DEFAULT_LOCALE: &str = "de";
/// The key whose items are roles of the tenant.
pub(crate) const MFA_REQUIRED_ROLES: &str = "mfa_required_roles";

/// Settings in force, including defaults. Stored as JSON under these field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) registration: Registration,
    pub(crate) ticket_categories: Vec<String>,
    pub(crate) locale: String,
    pub(crate) branding: Branding,
    pub(crate) mail_sender: MailSender,
    pub(crate) retention_days: RetentionDays,
    pub(crate) session: SessionLifetime,
    pub(crate) password_policy: PasswordPolicy,
    pub(crate) magic_link: bool,
    pub(crate) mfa_required_roles: Vec<String>,
    pub(crate) impersonation_by_admins: bool,
    pub(crate) sign_in: SignIn,
    pub(crate) sla: Sla,
}

/// Which identity providers are offered at sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SignIn {
    /// `None` means all providers of the platform; an empty list means none.
    pub(crate) providers: Option<Vec<String>>,
}

/// How quickly tickets are answered and resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sla {
    pub(crate) first_response_hours: FirstResponseHours,
    pub(crate) resolution_hours: ResolutionHours,
}

/// Hours until the first response, by ticket priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FirstResponseHours {
    pub(crate) urgent: i32,
    pub(crate) high: i32,
    pub(crate) medium: i32,
    pub(crate) low: i32,
}

/// Hours until the resolution, by ticket priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ResolutionHours {
    pub(crate) urgent: i32,
    pub(crate) high: i32,
    pub(crate) medium: i32,
    pub(crate) low: i32,
}

/// The tenant's name, colour and logo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Branding {
    pub(crate) name: Option<String>,
    pub(crate) colour: Option<String>,
    pub(crate) logo_url: Option<String>,
}

/// The sender of the tenant's emails; `None` means the platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MailSender {
    pub(crate) name: Option<String>,
    pub(crate) address: Option<String>,
}

/// How many days records are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RetentionDays {
    pub(crate) audit: i32,
    pub(crate) tickets: i32,
}

/// How long a device stays signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SessionLifetime {
    pub(crate) idle_days: i32,
    pub(crate) absolute_days: i32,
}

/// Requirements for passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordPolicy {
    pub(crate) min_length: i32,
}

impl Default for Settings {
    fn default() -> Self {
        let categories = ["account", "billing", "bug", "question", "request", "other"];
        Self {
            registration: Registration::Open,
            ticket_categories: categories.map(str::to_owned).to_vec(),
            locale: DEFAULT_LOCALE.to_owned(),
            branding: Branding::default(),
            mail_sender: MailSender::default(),
            retention_days: RetentionDays::default(),
            session: SessionLifetime::default(),
            password_policy: PasswordPolicy::default(),
            magic_link: true,
            mfa_required_roles: Vec::new(),
            impersonation_by_admins: false,
            sign_in: SignIn::default(),
            sla: Sla::default(),
        }
    }
}

impl Default for FirstResponseHours {
    fn default() -> Self {
        Self {
            urgent: 2,
            high: 8,
            medium: 24,
            low: 72,
        }
    }
}

impl Default for ResolutionHours {
    fn default() -> Self {
        Self {
            urgent: 24,
            high: 72,
            medium: 168,
            low: 336,
        }
    }
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self {
            audit: 1_095,
            tickets: 1_095,
        }
    }
}

impl Default for SessionLifetime {
    fn default() -> Self {
        Self {
            idle_days: 30,
            absolute_days: 90,
        }
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 10 }
    }
}

/// Settings that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettingsConflict {
    /// `session.idle_days` exceeds `session.absolute_days`.
    IdleExceedsAbsolute,
    /// For these priorities the first response would come after the resolution.
    ResponseExceedsResolution(Vec<&'static str>),
}

impl Settings {
    /// Checks the rules between settings.
    pub(crate) fn check(&self) -> Result<(), SettingsConflict> {
        if self.session.idle_days > self.session.absolute_days {
            return Err(SettingsConflict::IdleExceedsAbsolute);
        }
        self.sla.check()
    }
}

impl Sla {
    fn check(&self) -> Result<(), SettingsConflict> {
        let (first, resolved) = (&self.first_response_hours, &self.resolution_hours);
        let conflicts: Vec<&'static str> = [
            ("urgent", first.urgent, resolved.urgent),
            ("high", first.high, resolved.high),
            ("medium", first.medium, resolved.medium),
            ("low", first.low, resolved.low),
        ]
        .into_iter()
        .filter(|(_, first, resolved)| first > resolved)
        .map(|(priority, ..)| priority)
        .collect();
        if conflicts.is_empty() {
            Ok(())
        } else {
            Err(SettingsConflict::ResponseExceedsResolution(conflicts))
        }
    }
}

/// A ticket category: one line in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Category(SingleLine<1, 40>);

impl Category {
    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let line = SingleLine::parse(text)?;
        if line.as_str().chars().any(char::is_uppercase) {
            return Err(FieldCode::InvalidFormat(Localized {
                de: "darf keine Großbuchstaben enthalten",
                en: "must not contain upper-case letters",
            }));
        }
        Ok(Self(line))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A colour as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Colour(String);

impl Colour {
    /// Parses and validates the text.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldCode> {
        let text = text.trim().to_ascii_lowercase();
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err(FieldCode::InvalidFormat(Localized {
                de: "muss eine Farbe wie #1a7f5a sein",
                en: "must be a colour such as #1a7f5a",
            }))
        }
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
