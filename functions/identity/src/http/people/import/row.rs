//! A row of an import, and the user it becomes.

use ids::UserId;
use web::{Email, SingleLine, TimeZone, body::Change, fields::Locale, problem::FieldError};

use crate::domain::{
    bcrypt_hash::BcryptHash,
    import::{Defaults, HASH_OF_INVITED, ImportedUser, field_error},
    name::{FullName, Name, NamePart},
    phone::Phone,
    status::{UserStatus, WantedStatus},
};

web::body! {
    /// A user from another system. Existing users are matched by email address.
    pub struct ImportUser {
        /// Email address, unique in the organisation.
        pub email: Email,
        /// Given name. New users require it together with `family_name`, unless `name` is given.
        pub given_name: Option<NamePart>,
        /// Family name.
        pub family_name: Option<NamePart>,
        /// Full name, instead of `given_name` and `family_name`.
        pub name: Option<FullName>,
        /// Name of the role. Defaults to `customer`. The role of existing users is not changed.
        pub role: Option<SingleLine<1, 64>>,
        /// Status of a new user. Defaults to `active` with a `password_hash`, otherwise to `invited`. Active users without a hash sign
        /// in with a link or reset their password. The status of existing users is not changed; a row for a
        /// disabled user is refused unless it says `disabled`, too.
        pub status: Option<WantedStatus>,
        /// Phone number.
        pub phone: Option<Phone>,
        /// Language of emails and pages. Defaults to the organisation's.
        pub locale: Option<Locale>,
        /// Time zone. Defaults to the organisation's.
        pub time_zone: Option<TimeZone>,
        /// bcrypt hash of a new user's password: `$2a$`, `$2b$` or `$2y$` with a cost from 4 to 14. It is replaced by an Argon2id hash
        /// at the first sign-in. The password of existing users is not changed.
        pub password_hash: Option<BcryptHash>,
    }
    example {
        "email": "ada@example.org", "given_name": "Ada", "family_name": "Lovelace", "role": "expert", "locale": "en",
        "password_hash": "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    }
}

impl ImportUser {
    /// The status of a new user.
    pub(crate) fn status(&self) -> UserStatus {
        let usual = if self.password_hash.is_some() {
            WantedStatus::Active
        } else {
            WantedStatus::Invited
        };
        self.status.unwrap_or(usual).status()
    }

    /// The row of a new user.
    pub(crate) fn into_new_user(
        self,
        defaults: Defaults<'_>,
    ) -> Result<ImportedUser, Vec<FieldError>> {
        let status = self.status();
        if status == UserStatus::Invited && self.password_hash.is_some() {
            return Err(field_error("/password_hash", HASH_OF_INVITED));
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
            // Users who were active in the other system had a working email address.
            email_verified_at: (status != UserStatus::Invited).then_some(defaults.now),
        })
    }

    /// The row of an existing user after the update.
    pub(crate) fn merged_into(self, known: &ImportedUser) -> ImportedUser {
        let before = Name {
            given: known.given_name.clone(),
            family: known.family_name.clone(),
            display: known.display_name.clone(),
        };
        let name = before.with_changes(
            to_change(self.given_name),
            to_change(self.family_name),
            to_change(self.name),
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

fn to_change<T>(given: Option<T>) -> Change<T> {
    given.map_or(Change::Keep, Change::Set)
}

fn text_or(given: Option<&str>, usual: &str) -> String {
    given.unwrap_or(usual).to_owned()
}
