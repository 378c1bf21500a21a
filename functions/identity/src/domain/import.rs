//! People of another system, and what becomes of each.

use chrono::{DateTime, Utc};
use ids::{RoleId, UserId};
use serde::Serialize;
use web::{
    Email, SingleLine, Localized, TimeZone,
    body::Change,
    fields::Locale,
    problem::{FieldCode, FieldError},
};

use super::{
    bcrypt_hash::BcryptHash,
    name::{FullName, Name, NamePart},
    phone::Phone,
    status::{UserStatus, WantedStatus},
};

web::body! {
    /// Somebody of another system. The mail address tells whether they are here already.
    pub struct ImportUser {
        /// The mail address, unique in the organisation.
        pub email: Email,
        /// Given name; needed with `family_name` unless `name` is there, or the person.
        pub given_name: Option<NamePart>,
        /// Family name.
        pub family_name: Option<NamePart>,
        /// The whole name instead.
        pub name: Option<FullName>,
        /// The role's name; `customer` by default. Nobody who is here already gets another one.
        pub role: Option<SingleLine<1, 64>>,
        /// Where the account of somebody new stands: `active` by default with a `password_hash`, else `invited`. Without a
        /// hash somebody who is active signs in by a link, or asks for another password. Of people who are here already it
        /// stays as it is.
        pub status: Option<WantedStatus>,
        /// Telephone number.
        pub phone: Option<Phone>,
        /// Language of mails and pages; the organisation's by default.
        pub locale: Option<Locale>,
        /// The organisation's by default.
        pub time_zone: Option<TimeZone>,
        /// The password of somebody new, as bcrypt made it: `$2a$`, `$2b$` or `$2y$` with a cost from 4 to 14. At the first
        /// sign-in our own takes its place. Of people who are here already it stays as it is.
        pub password_hash: Option<BcryptHash>,
    }
    example {
        "email": "ada@example.org", "given_name": "Ada", "family_name": "Lovelace", "role": "expert", "locale": "en",
        "password_hash": "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    }
}

/// A person as the rows hold them that an import writes, all of a portion at once.
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

/// What somebody new gets who says nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults<'a> {
    pub(crate) role: RoleId,
    pub(crate) locale: &'a str,
    pub(crate) time_zone: &'a str,
    pub(crate) now: DateTime<Utc>,
}

impl ImportUser {
    /// Where somebody new stands.
    pub(crate) fn status(&self) -> UserStatus {
        let usual = if self.password_hash.is_some() {
            WantedStatus::Active
        } else {
            WantedStatus::Invited
        };
        self.status.unwrap_or(usual).status()
    }

    /// Somebody new.
    pub(crate) fn newcomer(self, defaults: Defaults<'_>) -> Result<ImportedUser, Vec<FieldError>> {
        let status = self.status();
        if status == UserStatus::Invited && self.password_hash.is_some() {
            return Err(refused("/password_hash", HASH_OF_INVITED));
        }
        let name = Name::new(self.given_name, self.family_name, self.name)?;
        Ok(ImportedUser {
            user_id: UserId::at(defaults.now),
            role_id: defaults.role,
            email: self.email.into_string(),
            password_hash: self.password_hash.map(|hash| hash.as_str().to_owned()),
            given_name: name.given,
            family_name: name.family,
            display_name: name.display,
            status,
            locale: text_or(self.locale.as_ref().map(Locale::as_str), defaults.locale),
            time_zone: text_or(
                self.time_zone.as_ref().map(TimeZone::as_str),
                defaults.time_zone,
            ),
            phone: self.phone.map(Phone::into_string),
            // Whoever was active there had an address that reached them.
            email_verified_at: (status != UserStatus::Invited).then_some(defaults.now),
        })
    }

    /// Somebody who is here already, as they are afterwards.
    pub(crate) fn merged(self, known: &ImportedUser) -> ImportedUser {
        let before = Name {
            given: known.given_name.clone(),
            family: known.family_name.clone(),
            display: known.display_name.clone(),
        };
        let name = before.changed(
            change(self.given_name),
            change(self.family_name),
            change(self.name),
        );
        ImportedUser {
            given_name: name.given,
            family_name: name.family,
            display_name: name.display,
            locale: text_or(self.locale.as_ref().map(Locale::as_str), &known.locale),
            time_zone: text_or(
                self.time_zone.as_ref().map(TimeZone::as_str),
                &known.time_zone,
            ),
            phone: self.phone.map(Phone::into_string).or(known.phone.clone()),
            ..known.clone()
        }
    }
}

impl ImportedUser {
    /// Names of the fields that differ.
    pub(crate) fn changed(&self, before: &Self) -> Vec<&'static str> {
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

fn change<T>(given: Option<T>) -> Change<T> {
    given.map_or(Change::Keep, Change::Set)
}

fn text_or(given: Option<&str>, usual: &str) -> String {
    given.unwrap_or(usual).to_owned()
}

/// One wrong field.
pub(crate) fn refused(pointer: &str, code: FieldCode) -> Vec<FieldError> {
    vec![FieldError {
        pointer: pointer.to_owned(),
        code,
    }]
}

const HASH_OF_INVITED: FieldCode = FieldCode::Rule(
    "hash_of_invited",
    Localized {
        de: "passt nicht zu status invited: wer eingeladen wird, wählt ein Passwort",
        en: "does not fit the status invited: whoever is invited chooses a password",
    },
);
/// The same address stands further up.
pub(crate) const TWICE: FieldCode = FieldCode::Duplicate;
/// Somebody is here with another role.
pub(crate) const OTHER_ROLE: FieldCode = FieldCode::Rule(
    "other_role",
    Localized {
        de: "ist hier eine andere; ein Import ändert keine Rollen",
        en: "is another one here; an import changes no roles",
    },
);
/// The role, or the person who has it, is above the caller.
pub(crate) const TOO_POWERFUL: FieldCode = FieldCode::Rule(
    "role_too_powerful",
    Localized {
        de: "darf mehr als der Aufrufer",
        en: "may do more than the caller",
    },
);
/// The account was erased.
pub(crate) const ERASED: FieldCode = FieldCode::Rule(
    "erased",
    Localized {
        de: "gehört zu einem gelöschten Konto",
        en: "belongs to an account that was erased",
    },
);
/// The licence seats nobody else.
pub(crate) const NO_SEAT: FieldCode = FieldCode::Rule(
    "seats_exhausted",
    Localized {
        de: "braucht einen Platz, und die Lizenz hat keinen mehr",
        en: "needs a seat, and the licence has none left",
    },
);
