//! Settings as they are returned.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::settings::{self, Registration};

/// Declares the view of a group of settings. Its fields are those of the domain type, so that a missing one does not compile.
macro_rules! views {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident { $( $(#[doc = $field_doc:literal])* $field:ident: $ty:ty, )* }
    )*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Serialize, ToSchema)]
        #[serde(default)]
        pub(crate) struct $name { $( $(#[doc = $field_doc])* pub(crate) $field: $ty, )* }

        impl From<settings::$name> for $name {
            fn from(settings: settings::$name) -> Self {
                let settings::$name { $($field),* } = settings;
                Self { $($field: $field.into()),* }
            }
        }

        /// For the defaults in the schema.
        impl Default for $name {
            fn default() -> Self {
                settings::$name::default().into()
            }
        }
    )* };
}

views! {
    /// The settings in force.
    Settings {
        /// Who may register.
        registration: Registration,
        /// The categories that tickets can have.
        ticket_categories: Vec<String>,
        /// The default language, the same as the tenant's `locale`.
        locale: String,
        /// The name, colour and logo of the tenant.
        branding: Branding,
        /// The sender of emails.
        mail_sender: MailSender,
        /// How many days records are kept.
        retention_days: RetentionDays,
        /// How long a device stays signed in.
        session: SessionLifetime,
        /// The requirements for passwords.
        password_policy: PasswordPolicy,
        /// Whether users can sign in with a link sent by email.
        magic_link: bool,
        /// The roles that require two-factor authentication.
        mfa_required_roles: Vec<String>,
        /// Whether admins can view the accounts of users with a lower role. Access is read-only, and the user is notified.
        impersonation_by_admins: bool,
        /// The identity providers that are offered at sign-in.
        sign_in: SignIn,
        /// The target times for answering and resolving tickets.
        sla: Sla,
    }

    /// The identity providers that are offered at sign-in.
    SignIn {
        /// The names of the offered providers, as returned by `GET /auth/oauth/providers`. `null` means all providers of the
        /// platform, an empty list means none.
        providers: Option<Vec<String>>,
    }

    /// The target times for answering and resolving tickets.
    Sla {
        /// Hours until the first response.
        first_response_hours: FirstResponseHours,
        /// Hours until the resolution, never less than until the first response.
        resolution_hours: ResolutionHours,
    }

    /// Hours until the first response, by ticket priority.
    FirstResponseHours {
        /// For urgent tickets.
        urgent: i32,
        /// For tickets of high priority.
        high: i32,
        /// For tickets of medium priority.
        medium: i32,
        /// For tickets of low priority.
        low: i32,
    }

    /// Hours until the resolution, by ticket priority.
    ResolutionHours {
        /// For urgent tickets.
        urgent: i32,
        /// For tickets of high priority.
        high: i32,
        /// For tickets of medium priority.
        medium: i32,
        /// For tickets of low priority.
        low: i32,
    }

    /// The name, colour and logo of the tenant.
    Branding {
        /// The name shown in headings. Defaults to the tenant's name.
        name: Option<String>,
        /// The colour, as `#rrggbb`.
        colour: Option<String>,
        /// The URL of the logo.
        logo_url: Option<String>,
    }

    /// The sender of emails. Defaults to the platform's.
    MailSender {
        /// The sender name that recipients see.
        name: Option<String>,
        /// The address that replies are sent to.
        address: Option<String>,
    }

    /// How many days records are kept.
    RetentionDays {
        /// Days for entries of the audit log.
        audit: i32,
        /// Days for closed tickets.
        tickets: i32,
    }

    /// How long a device stays signed in.
    SessionLifetime {
        /// Days without activity.
        idle_days: i32,
        /// Days in total, never less than `idle_days`.
        absolute_days: i32,
    }

    /// The requirements for passwords.
    PasswordPolicy {
        /// The minimum number of characters.
        min_length: i32,
    }
}
