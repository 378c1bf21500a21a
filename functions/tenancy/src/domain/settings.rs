//! The settings of a tenant: one typed schema, its defaults, and what a tenant has set differently.
//!
//! Only what differs is kept ([`Overrides`]), so that a better default reaches everybody who never chose.

mod change;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{
    Problem, Texts,
    problem::{FieldCode, FieldError},
};

pub use change::UpdateSettings;
pub use words::Registration;

/// The key that is no setting of its own: it is the tenant's locale.
pub const LOCALE: &str = "locale";
/// The locale of a tenant that never chose one.
pub const DEFAULT_LOCALE: &str = "de";
/// The key whose items are roles of the tenant.
pub const MFA_REQUIRED_ROLES: &str = "mfa_required_roles";

/// Settings in force, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// Who may register.
    pub registration: Registration,
    /// What tickets can be about.
    pub ticket_categories: Vec<String>,
    /// The language of everybody who chose none; the same as the tenant's `locale`.
    pub locale: String,
    /// How the tenant shows itself.
    pub branding: Branding,
    /// In whose name mails are sent.
    pub mail_sender: MailSender,
    /// For how many days finished things are kept.
    pub retention_days: RetentionDays,
    /// How long a device stays signed in.
    pub session: SessionLifetime,
    /// What passwords must be like.
    pub password_policy: PasswordPolicy,
    /// Whether people may sign in by a link in a mail.
    pub magic_link: bool,
    /// Roles whose people must have a second factor.
    pub mfa_required_roles: Vec<String>,
    /// Whether admins may look at the accounts of people below them, read-only and told to the person.
    pub impersonation_by_admins: bool,
    /// By way of whom people sign in.
    pub sign_in: SignIn,
    /// How soon tickets are promised an answer and a solution.
    pub sla: Sla,
}

/// By way of whom people sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SignIn {
    /// The issuers that are offered, by the names of `GET /auth/oauth/providers`; all that the platform has without a choice, none
    /// with an empty list.
    pub providers: Option<Vec<String>>,
}

/// How soon tickets are promised an answer and a solution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Sla {
    /// Hours until the first answer.
    pub first_response_hours: FirstResponseHours,
    /// Hours until the solution; never fewer than until the first answer.
    pub resolution_hours: ResolutionHours,
}

/// Hours until the first answer, by the ticket's priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FirstResponseHours {
    /// Urgent.
    pub urgent: i32,
    /// High.
    pub high: i32,
    /// Medium.
    pub medium: i32,
    /// Low.
    pub low: i32,
}

/// Hours until the solution, by the ticket's priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ResolutionHours {
    /// Urgent.
    pub urgent: i32,
    /// High.
    pub high: i32,
    /// Medium.
    pub medium: i32,
    /// Low.
    pub low: i32,
}

/// How a tenant shows itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Branding {
    /// Its name in headings; without one the tenant's name.
    pub name: Option<String>,
    /// Its colour, `#rrggbb`.
    pub colour: Option<String>,
    /// Where its logo is.
    pub logo_url: Option<String>,
}

/// In whose name mails are sent; without one the platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MailSender {
    /// The name that recipients see.
    pub name: Option<String>,
    /// Where answers go.
    pub address: Option<String>,
}

/// For how many days finished things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetentionDays {
    /// Entries of the audit log.
    pub audit: i32,
    /// Closed tickets.
    pub tickets: i32,
}

/// How long a device stays signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SessionLifetime {
    /// Days without any use.
    pub idle_days: i32,
    /// Days in all; never fewer than `idle_days`.
    pub absolute_days: i32,
}

/// What passwords must be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: i32,
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

impl Settings {
    /// As `access.tenants` mirrors them: complete.
    pub fn mirror(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Rules between settings.
    pub fn check(&self) -> Result<(), Problem> {
        if self.session.idle_days > self.session.absolute_days {
            let texts = Texts {
                de: "nicht länger als absolute_days",
                en: "not longer than absolute_days",
            };
            return Err(Problem::field(
                "/session/idle_days",
                FieldCode::Rule("exceeds_absolute_days", texts),
            ));
        }
        self.sla.check()
    }
}

impl Sla {
    fn check(&self) -> Result<(), Problem> {
        let (first, solved) = (&self.first_response_hours, &self.resolution_hours);
        let wrong: Vec<FieldError> = [
            ("urgent", first.urgent, solved.urgent),
            ("high", first.high, solved.high),
            ("medium", first.medium, solved.medium),
            ("low", first.low, solved.low),
        ]
        .into_iter()
        .filter(|(_, first, solved)| first > solved)
        .map(|(priority, ..)| FieldError {
            pointer: format!("/sla/first_response_hours/{priority}"),
            code: FieldCode::Rule(
                "exceeds_resolution_hours",
                Texts {
                    de: "nicht länger als resolution_hours",
                    en: "not longer than resolution_hours",
                },
            ),
        })
        .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(wrong))
        }
    }
}

/// What a tenant has set: by key, only what differs from "never chosen".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Map<String, Value>);

impl Overrides {
    /// What is stored, and the locale, which the tenant itself keeps.
    pub fn of(mut stored: Map<String, Value>, locale: &str) -> Self {
        if locale != DEFAULT_LOCALE {
            stored.insert(LOCALE.to_owned(), locale.into());
        }
        Self(stored)
    }

    /// The settings in force: the tenant's own, else the platform's, else the defaults, for each value of a group by itself.
    pub fn in_force(&self, platform: &Map<String, Value>) -> Result<Settings, serde_json::Error> {
        let mut all = platform.clone();
        merge(&mut all, self.0.clone());
        serde_json::from_value(Value::Object(all))
    }

    /// Applies a change: RFC 7396, `null` goes back to the default.
    pub fn apply(&mut self, change: UpdateSettings) {
        merge(&mut self.0, change.into_patch());
    }

    /// The keys that are set.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// What is set under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The keys under which `self` and `other` differ.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .0
            .keys()
            .chain(other.0.keys())
            .filter(|key| self.0.get(*key) != other.0.get(*key))
            .cloned()
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(&key);
            }
            Value::Object(patch) => {
                let mut nested = match target.remove(&key) {
                    Some(Value::Object(present)) => present,
                    _ => Map::new(),
                };
                merge(&mut nested, patch);
                if !nested.is_empty() {
                    target.insert(key, Value::Object(nested));
                }
            }
            other => {
                target.insert(key, other);
            }
        }
    }
}

#[cfg(test)]
mod tests;
