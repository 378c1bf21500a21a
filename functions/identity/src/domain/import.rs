//! Users imported from another system.

use chrono::{DateTime, Utc};
use ids::{RoleId, UserId};
use serde::Serialize;
use web::{
    Localized,
    problem::{FieldCode, FieldError},
};

use super::status::UserStatus;

/// A user row as written by an import, one batch at a time.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(crate) struct ImportedUser {
    pub(crate) user_id: UserId,
    pub(crate) role_id: RoleId,
    pub(crate) email: String,
    pub(crate) password_hash: Option<String>,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) display_name: String,
    pub(crate) status: UserStatus,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
    pub(crate) phone: Option<String>,
    pub(crate) email_verified_at: Option<DateTime<Utc>>,
}

/// Defaults for new users.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults<'a> {
    pub(crate) role: RoleId,
    pub(crate) locale: &'a str,
    pub(crate) time_zone: &'a str,
    pub(crate) now: DateTime<Utc>,
}

impl ImportedUser {
    /// Names of the changed fields.
    pub(crate) fn changed_fields(&self, before: &Self) -> Vec<&'static str> {
        [
            ("given_name", self.given_name != before.given_name),
            ("family_name", self.family_name != before.family_name),
            ("name", self.display_name != before.display_name),
            ("locale", self.locale != before.locale),
            ("time_zone", self.time_zone != before.time_zone),
            ("phone", self.phone != before.phone),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }
}

/// An error for one field.
pub(crate) fn field_error(pointer: &str, code: FieldCode) -> Vec<FieldError> {
    vec![FieldError {
        pointer: pointer.to_owned(),
        code,
    }]
}

/// Invited users choose their own password.
pub(crate) const HASH_OF_INVITED: FieldCode = FieldCode::Rule(
    "hash_of_invited",
    Localized {
        de: "ist mit dem Status invited nicht zulässig: Eingeladene wählen ihr Passwort selbst",
        en: "is not allowed with status invited: invited users choose their own password",
    },
);
/// The user exists with a different role.
pub(crate) const OTHER_ROLE: FieldCode = FieldCode::Rule(
    "other_role",
    Localized {
        de: "weicht von der aktuellen Rolle ab; ein Import ändert keine Rollen",
        en: "differs from the user's current role; an import does not change roles",
    },
);
/// The caller may not grant or manage the role.
pub(crate) const ROLE_TOO_POWERFUL: FieldCode = FieldCode::Rule(
    "role_too_powerful",
    Localized {
        de: "hat mehr Berechtigungen, als Sie vergeben oder verwalten dürfen",
        en: "has more permissions than you may grant or manage",
    },
);
/// The account was erased.
pub(crate) const ERASED: FieldCode = FieldCode::Rule(
    "erased",
    Localized {
        de: "gehört zu einem gelöschten Konto",
        en: "belongs to an erased account",
    },
);
/// The row belongs to a disabled account, which an import does not enable.
pub(crate) const DISABLED: FieldCode = FieldCode::Rule(
    "disabled",
    Localized {
        de: "gehört zu einem deaktivierten Konto; aktivieren Sie es zuerst",
        en: "belongs to a disabled account; activate it first",
    },
);
/// The licence has no seat left.
pub(crate) const NO_SEAT: FieldCode = FieldCode::Rule(
    "seats_exhausted",
    Localized {
        de: "benötigt einen Platz, aber in der Lizenz ist keiner mehr frei",
        en: "requires a seat, but the licence has none left",
    },
);
