//! How a person is shown.

use access::{Caller, Permission, mask};
use chrono::{DateTime, Utc};
use ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;
use web::reply::Versioned;

use crate::{domain::status::UserStatus, permissions::UserReadSensitive, store::users::UserRow};

/// A person of the organisation.
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
    pub(crate) id: UserId,
    /// Masked (`a•••@example.org`) for callers without `identity.user.read_sensitive`, but for their own.
    email: String,
    given_name: String,
    /// Empty for people who have one name only.
    family_name: String,
    /// As the person is called.
    name: String,
    /// The role's name.
    role: String,
    status: UserStatus,
    locale: String,
    time_zone: String,
    /// Masked as the address is.
    phone: Option<String>,
    /// Since when the address is known to be theirs.
    email_verified_at: Option<DateTime<Utc>>,
    /// When they last signed in or renewed their session.
    last_seen_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

/// The version leaves `last_seen_at` out on purpose: being there is no change of the person, and would make every `ETag` stale with
/// each refresh.
impl Versioned for User {
    fn version(&self) -> i32 {
        self.version
    }
}

impl User {
    /// Plain, or with address and number masked.
    pub(crate) fn shown(row: UserRow, plain: bool) -> Self {
        let (email, phone) = if plain {
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

    /// As this caller may see it.
    pub(crate) fn shown_to<P: Permission>(row: UserRow, caller: &Caller<P>) -> Self {
        // Whoever looks at the person's account is not the person.
        let own = caller.user == Some(row.id) && caller.impersonator.is_none();
        Self::shown(row, own || caller.may::<UserReadSensitive>().is_some())
    }
}
