//! A change of settings as it comes in, every value checked.

use serde_json::{Map, Value};
use web::{
    Email, HttpUrl, Line, Slug,
    body::{Change, Int},
    fields::Locale,
};

use super::words::{Category, Colour, Registration};
use crate::domain::distinct::Distinct;

web::body! {
    /// Settings to change. What is not named stays; `null` goes back to the default, for a whole group or one value of it.
    pub struct UpdateSettings {
        /// Who may register.
        pub registration: Change<Option<Registration>>,
        /// What tickets can be about: 1 to 50 lines in lower case, all different.
        pub ticket_categories: Change<Option<Distinct<Category, 1, 50>>>,
        /// The language of everybody who chose none; the same as the tenant's `locale`.
        pub locale: Change<Option<Locale>>,
        /// How the tenant shows itself.
        pub branding: Change<Option<UpdateBranding>>,
        /// In whose name mails are sent.
        pub mail_sender: Change<Option<UpdateMailSender>>,
        /// For how many days finished things are kept.
        pub retention_days: Change<Option<UpdateRetentionDays>>,
        /// How long a device stays signed in.
        pub session: Change<Option<UpdateSessionLifetime>>,
        /// What passwords must be like.
        pub password_policy: Change<Option<UpdatePasswordPolicy>>,
        /// Whether people may sign in by a link in a mail.
        pub magic_link: Change<Option<bool>>,
        /// Roles whose people must have a second factor.
        pub mfa_required_roles: Change<Option<Distinct<Line<1, 60>, 0, 50>>>,
        /// Whether admins may look at the accounts of people below them, read-only and told to the person.
        pub impersonation_by_admins: Change<Option<bool>>,
        /// By way of whom people sign in.
        pub sign_in: Change<Option<UpdateSignIn>>,
        /// How soon tickets are promised an answer and a solution.
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
    /// How the tenant shows itself.
    pub struct UpdateBranding {
        /// Its name in headings.
        pub name: Change<Option<Line<1, 80>>>,
        /// Its colour.
        pub colour: Change<Option<Colour>>,
        /// Where its logo is.
        pub logo_url: Change<Option<HttpUrl>>,
    }
}

web::body! {
    /// In whose name mails are sent.
    pub struct UpdateMailSender {
        /// The name that recipients see.
        pub name: Change<Option<Line<1, 80>>>,
        /// Where answers go.
        pub address: Change<Option<Email>>,
    }
}

web::body! {
    /// For how many days finished things are kept.
    pub struct UpdateRetentionDays {
        /// Entries of the audit log.
        pub audit: Change<Option<Int<365, 3650>>>,
        /// Closed tickets.
        pub tickets: Change<Option<Int<30, 3650>>>,
    }
}

web::body! {
    /// How long a device stays signed in.
    pub struct UpdateSessionLifetime {
        /// Days without any use.
        pub idle_days: Change<Option<Int<1, 90>>>,
        /// Days in all.
        pub absolute_days: Change<Option<Int<1, 365>>>,
    }
}

web::body! {
    /// What passwords must be like.
    pub struct UpdatePasswordPolicy {
        /// Fewest characters.
        pub min_length: Change<Option<Int<10, 64>>>,
    }
}

web::body! {
    /// By way of whom people sign in.
    pub struct UpdateSignIn {
        /// The issuers that are offered, by their names; an empty list for none, `null` for all that the platform has.
        pub providers: Change<Option<Distinct<Slug, 0, 20>>>,
    }
}

web::body! {
    /// How soon tickets are promised an answer and a solution.
    pub struct UpdateSla {
        /// Hours until the first answer.
        pub first_response_hours: Change<Option<UpdateHours>>,
        /// Hours until the solution.
        pub resolution_hours: Change<Option<UpdateHours>>,
    }
}

web::body! {
    /// Hours by the ticket's priority.
    pub struct UpdateHours {
        /// Urgent.
        pub urgent: Change<Option<Int<1, 8760>>>,
        /// High.
        pub high: Change<Option<Int<1, 8760>>>,
        /// Medium.
        pub medium: Change<Option<Int<1, 8760>>>,
        /// Low.
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

/// A merge patch under construction.
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
    /// The same as a merge patch (RFC 7396) with values in their normal form.
    pub(super) fn into_patch(self) -> Map<String, Value> {
        Patch::default()
            .put("registration", self.registration, |word| {
                word.as_str().into()
            })
            .put("ticket_categories", self.ticket_categories, |list| {
                list.0.iter().map(Category::as_str).collect()
            })
            .put(super::LOCALE, self.locale, |locale| locale.as_str().into())
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
            .put(
                super::MFA_REQUIRED_ROLES,
                self.mfa_required_roles,
                |roles| roles.0.iter().map(Line::as_str).collect(),
            )
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
