//! Updates users.

mod changes;
mod status;

use access::{Caller, Reach};
use axum::extract::State;
use events::UnitOfWork;
use ids::UserId;
use web::{
    Email, Fetched, IfMatch, PathIds, SingleLine, TimeZone, ValidJson, ValidQuery,
    body::Change,
    fields::Locale,
    problem::{self, Result},
};

pub(crate) use changes::{UserChanges, apply_changes};

use super::{User, read::GetUserQuery, rules};
use crate::{
    App,
    domain::{
        name::{FullName, NamePart},
        phone::Phone,
        status::WantedStatus,
    },
    permissions::UserUpdate,
    store::{seats, users},
};

web::body! {
    /// Changes to a user. Omitted fields are not changed.
    pub struct UpdateUser {
        /// Given name.
        pub given_name: Change<NamePart>,
        /// Family name.
        pub family_name: Change<NamePart>,
        /// Full name, instead of `given_name` and `family_name`.
        pub name: Change<FullName>,
        /// Phone number; null removes it.
        pub phone: Change<Option<Phone>>,
        /// Language of emails and pages.
        pub locale: Change<Locale>,
        /// Time zone.
        pub time_zone: Change<TimeZone>,
        /// Email address. Requires authority over the user's role.
        pub email: Change<Email>,
        /// Name of the role. Requires authority over the old and the new role.
        pub role: Change<SingleLine<1, 64>>,
        /// Status. Locks, disables, reactivates or invites the user again.
        pub status: Change<WantedStatus>,
    }
    example { "role": "expert", "phone": "+49 30 1234567" }
}

/// Update a user
///
/// With reach `own`, callers can change only their own names, phone number, language and time zone. Changes of role and status apply
/// at once on every device. Changing the email address, role or status of a user requires recent authentication; a new address ends the
/// user's sessions and is unverified, and the old one is told. No caller can grant a role with more permissions than their own.
#[utoipa::path(method(put, patch), path = "/users/{id}", responses((status = 200, body = User, description = "The updated user.")))]
pub(crate) async fn update_user(
    State(app): State<App>,
    caller: Caller<UserUpdate>,
    PathIds(id): PathIds<UserId>,
    ValidQuery(query): ValidQuery<GetUserQuery>,
    if_match: IfMatch,
    body: ValidJson<UpdateUser>,
) -> Result<Fetched<User>> {
    let changes = UserChanges::from(body.value);
    let include_disabled = query.status.is_some() && rules::can_see_disabled(&caller);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    if changes.affects_seats_or_admins() {
        seats::lock_people(&mut unit).await?;
    }
    users::lock_user(&mut unit, caller.reach(), id).await?;
    let before = users::find_user(&mut unit, caller.reach(), id, include_disabled)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let after = apply_changes(&app, unit, &caller, before, changes).await?;
    Ok(Fetched(User::redacted_for(after, &caller)))
}

/// Whether the caller may change only their own profile.
fn is_limited_to_self(reach: Reach) -> bool {
    reach != Reach::All
}
