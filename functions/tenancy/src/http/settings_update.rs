//! The request body for changing settings, and its merge patch.

use serde_json::{Map, Value};
use web::{
    Email, HttpUrl, SingleLine, Slug,
    body::{Change, Int},
    fields::Locale,
};

use super::fields::UniqueVec;
use crate::domain::settings::{Category, Colour, LOCALE, MFA_REQUIRED_ROLES, Registration};

web::body! {
    /// The settings to change. Fields that are not included stay unchanged; `null` restores the inherited value, for a
    /// whole group or one value of it.
    pub struct UpdateSettings {
        /// Who may register.
        pub registration: Change<Option<Registration>>,
        /// The categories that tickets can have: 1 to 50 unique lines in lower case.
        pub ticket_categories: Change<Option<UniqueVec<Category, 1, 50>>>,
        /// The default language, the same as the tenant's `locale`.
        pub locale: Change<Option<Locale>>,
        /// The name, colour and logo of the tenant.
        pub branding: Change<Option<UpdateBranding>>,
        /// The sender of emails.
        pub mail_sender: Change<Option<UpdateMailSender>>,
        /// How many days records are kept.
        pub retention_days: Change<Option<UpdateRetentionDays>>,
        /// How long a device stays signed in.
        pub session: Change<Option<UpdateSessionLifetime>>,
        /// The requirements for passwords.
        pub password_policy: Change<Option<UpdatePasswordPolicy>>,
        /// Whether users can sign in with a link sent by email.
        pub magic_link: Change<Option<bool>>,
        /// The roles that require two-factor authentication.
        pub mfa_required_roles: Change<Option<UniqueVec<SingleLine<1, 60>, 0, 50>>>,
        /// Whether admins can view the accounts of users with a lower role. Access is read-only, and the user is
        /// notified.
        pub impersonation_by_admins: Change<Option<bool>>,
        /// The identity providers that are offered at sign-in.
        pub sign_in: Change<Option<UpdateSignIn>>,
        /// The target times for answering and resolving tickets.
        pub sla: Change<Option<UpdateSla>>,
    }
    example {
        "registration": "invite",
        "branding": { "colour": "#1a7f5a" },
        "session": { "idle_days": 14 },
        "ticket_categories": null
    }
}

web::body! {
    /// The name, colour and logo of the tenant.
    pub struct UpdateBranding {
        /// The name shown in headings.
        pub name: Change<Option<SingleLine<1, 80>>>,
        /// The colour, as `#rrggbb`.
        pub colour: Change<Option<Colour>>,
        /// The URL of the logo.
        pub logo_url: Change<Option<HttpUrl>>,
    }
}

web::body! {
    /// The sender of emails.
    pub struct UpdateMailSender {
        /// The sender name that recipients see.
        pub name: Change<Option<SingleLine<1, 80>>>,
        /// The address that replies are sent to.
        pub address: Change<Option<Email>>,
    }
}

web::body! {
    /// How many days records are kept.
    pub struct UpdateRetentionDays {
        /// Days for entries of the audit log.
        pub audit: Change<Option<Int<365, 3650>>>,
        /// Days for closed tickets.
        pub tickets: Change<Option<Int<30, 3650>>>,
    }
}

web::body! {
    /// How long a device stays signed in.
    pub struct UpdateSessionLifetime {
        /// Days without activity.
        pub idle_days: Change<Option<Int<1, 90>>>,
        /// Days in total.
        pub absolute_days: Change<Option<Int<1, 365>>>,
    }
}

web::body! {
    /// The requirements for passwords.
    pub struct UpdatePasswordPolicy {
        /// The minimum number of characters.
        pub min_length: Change<Option<Int<10, 64>>>,
    }
}

web::body! {
    /// The identity providers that are offered at sign-in.
    pub struct UpdateSignIn {
        /// The names of the offered providers. An empty list means none, `null` means all providers of the platform.
        pub providers: Change<Option<UniqueVec<Slug, 0, 20>>>,
    }
}

web::body! {
    /// The target times for answering and resolving tickets.
    pub struct UpdateSla {
        /// Hours until the first response.
        pub first_response_hours: Change<Option<UpdateHours>>,
        /// Hours until the resolution.
        pub resolution_hours: Change<Option<UpdateHours>>,
    }
}

web::body! {
    /// Hours, by ticket priority.
    pub struct UpdateHours {
        /// For urgent tickets.
        pub urgent: Change<Option<Int<1, 8760>>>,
        /// For tickets of high priority.
        pub high: Change<Option<Int<1, 8760>>>,
        /// For tickets of medium priority.
        pub medium: Change<Option<Int<1, 8760>>>,
        /// For tickets of low priority.
        pub low: Change<Option<Int<1, 8760>>>,
    }
}

impl UpdateHours {
    fn into_value(self) -> Value {
        let hours = |hours: Int<1, 8760>| Value::from(hours.get());
        Patch::default()
            .put("urgent", self.urgent, hours)
            .put("high", self.high, hours)
            .put("medium", self.medium, hours)
            .put("low", self.low, hours)
            .into_value()
    }
}

/// Builds a merge patch.
#[derive(Default)]
struct Patch(Map<String, Value>);

impl Patch {
    fn put<T>(
        mut self,
        key: &str,
        change: Change<Option<T>>,
        value: impl FnOnce(T) -> Value,
    ) -> Self {
        if let Change::Set(new) = change {
            self.0
                .insert(key.to_owned(), new.map_or(Value::Null, value));
        }
        self
    }

    fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl UpdateSettings {
    /// The change as a merge patch (RFC 7396) with normalised values.
    pub(super) fn into_patch(self) -> Map<String, Value> {
        Patch::default()
            .put("registration", self.registration, |word| {
                word.as_str().into()
            })
            .put("ticket_categories", self.ticket_categories, |list| {
                list.0.iter().map(Category::as_str).collect()
            })
            .put(LOCALE, self.locale, |locale| locale.as_str().into())
            .put("branding", self.branding, |branding| {
                Patch::default()
                    .put("name", branding.name, |name| name.as_str().into())
                    .put("colour", branding.colour, |colour| colour.as_str().into())
                    .put("logo_url", branding.logo_url, |url| url.as_str().into())
                    .into_value()
            })
            .put("mail_sender", self.mail_sender, |sender| {
                Patch::default()
                    .put("name", sender.name, |name| name.as_str().into())
                    .put("address", sender.address, |address| address.as_str().into())
                    .into_value()
            })
            .put("retention_days", self.retention_days, |days| {
                Patch::default()
                    .put("audit", days.audit, |days| days.get().into())
                    .put("tickets", days.tickets, |days| days.get().into())
                    .into_value()
            })
            .put("session", self.session, |session| {
                Patch::default()
                    .put("idle_days", session.idle_days, |days| days.get().into())
                    .put("absolute_days", session.absolute_days, |days| {
                        days.get().into()
                    })
                    .into_value()
            })
            .put("password_policy", self.password_policy, |policy| {
                Patch::default()
                    .put("min_length", policy.min_length, |length| {
                        length.get().into()
                    })
                    .into_value()
            })
            .put("magic_link", self.magic_link, Value::from)
            .put(MFA_REQUIRED_ROLES, self.mfa_required_roles, |roles| {
                roles.0.iter().map(SingleLine::as_str).collect()
            })
            .put(
                "impersonation_by_admins",
                self.impersonation_by_admins,
                Value::Bool,
            )
            .put("sign_in", self.sign_in, |sign_in| {
                Patch::default()
                    .put("providers", sign_in.providers, |names| {
                        names.0.iter().map(Slug::as_str).collect()
                    })
                    .into_value()
            })
            .put("sla", self.sla, |sla| {
                Patch::default()
                    .put(
                        "first_response_hours",
                        sla.first_response_hours,
                        UpdateHours::into_value,
                    )
                    .put(
                        "resolution_hours",
                        sla.resolution_hours,
                        UpdateHours::into_value,
                    )
                    .into_value()
            })
            .0
    }
}

#[cfg(test)]
mod tests;
