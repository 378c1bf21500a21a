//! The wire format of a user.

use access::{Caller, Permission, mask};
use chrono::{DateTime, Utc};
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::reply::Versioned;

use crate::{domain::status::UserStatus, permissions::UserReadSensitive, store::users::UserRow};

/// A user of the organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "email": "ada@example.org",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "name": "Ada Lovelace",
    "role": "expert",
    "status": "active",
    "locale": "en",
    "time_zone": "Europe/London",
    "phone": "+44 20 7946 0123",
    "email_verified_at": "2026-11-20T10:00:00Z",
    "last_seen_at": null,
    "created_at": "2026-11-20T10:00:00Z",
    "updated_at": "2026-11-20T10:00:00Z",
    "version": 1
}))]
pub(crate) struct User {
    /// Identifier of the user.
    pub(crate) id: UserId,
    /// Email address. Masked (`a•••@example.org`) for callers without `identity.user.read_sensitive`, except their own.
    email: String,
    /// Given name.
    given_name: String,
    /// Family name; empty for users with a single name.
    family_name: String,
    /// Display name.
    name: String,
    /// Name of the role.
    role: String,
    /// Status of the account.
    status: UserStatus,
    /// Language of emails and pages.
    locale: String,
    /// Time zone (IANA name).
    time_zone: String,
    /// Phone number, masked like the email address; null if none.
    phone: Option<String>,
    /// When the email address was verified; null if it was not.
    email_verified_at: Option<DateTime<Utc>>,
    /// When the user last signed in or refreshed a session; null if never.
    last_seen_at: Option<DateTime<Utc>>,
    /// When the account was created.
    created_at: DateTime<Utc>,
    /// When the user was last changed.
    updated_at: DateTime<Utc>,
    /// Version for `If-Match`; increases with every change.
    version: i32,
}

/// `last_seen_at` deliberately does not change the version: otherwise every refresh would invalidate the `ETag`.
impl Versioned for User {
    fn version(&self) -> i32 {
        self.version
    }
}

impl User {
    /// The user, with email address and phone number masked unless `plain`.
    pub(crate) fn from_row(row: UserRow, unmasked: bool) -> Self {
        let (email, phone) = if unmasked {
            (row.email, row.phone)
        } else {
            (
                mask::email(&row.email),
                row.phone.as_deref().map(mask::phone),
            )
        };
        Self {
            id: row.id,
            email,
            given_name: row.given_name,
            family_name: row.family_name,
            name: row.display_name,
            role: row.role,
            status: row.status,
            locale: row.locale,
            time_zone: row.time_zone,
            phone,
            email_verified_at: row.email_verified_at,
            last_seen_at: row.last_seen_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }

    /// The user as this caller may see it.
    pub(crate) fn redacted_for<P: Permission>(row: UserRow, caller: &Caller<P>) -> Self {
        // An impersonator does not count as the user.
        let own = caller.user == Some(row.id) && caller.impersonator.is_none();
        Self::from_row(row, own || caller.may::<UserReadSensitive>().is_some())
    }
}
