//! Changing people: by whoever manages them, and by themselves.

mod changes;
mod status;

use access::{Caller, Reach};
use axum::extract::State;
use ids::UserId;
use web::{
    Email, Fetched, IfMatch, SingleLine, PathIds, TimeZone, ValidJson, ValidQuery,
    body::Change,
    fields::Locale,
    problem::{self, Result},
};

pub(crate) use changes::{Changes, change};

use super::{User, read::DisabledToo, rules};
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
    /// What changes about a person.
    pub struct UpdateUser {
        /// Given name.
        pub given_name: Change<NamePart>,
        /// Family name.
        pub family_name: Change<NamePart>,
        /// The whole name instead.
        pub name: Change<FullName>,
        /// Telephone number; null removes it.
        pub phone: Change<Option<Phone>>,
        /// Language of mails and pages.
        pub locale: Change<Locale>,
        /// Time zone.
        pub time_zone: Change<TimeZone>,
        /// The mail address; only for those who manage the person.
        pub email: Change<Email>,
        /// The role's name; only for those who manage it.
        pub role: Change<SingleLine<1, 64>>,
        /// Lock, disable, let in again, or invite again.
        pub status: Change<WantedStatus>,
    }
    example { "role": "expert", "phone": "+49 30 1234567" }
}

/// Change a person.
///
/// With reach `own` names, phone, locale and time zone of oneself. Another role or status counts at once, on every device.
#[utoipa::path(method(put, patch), path = "/users/{id}", responses((status = 200, body = User, description = "The person as they are now.")))]
pub(crate) async fn update_user(
    State(app): State<App>,
    caller: Caller<UserUpdate>,
    PathIds(id): PathIds<UserId>,
    ValidQuery(query): ValidQuery<DisabledToo>,
    if_match: IfMatch,
    body: ValidJson<UpdateUser>,
) -> Result<Fetched<User>> {
    let now = app.state.clock().now();
    let changes = Changes::from(body.value);
    let disabled_too = query.status.is_some() && rules::sees_disabled(&caller);
    let mut tx = caller.begin(&app.db).await?;
    if changes.concerns_others() {
        seats::lock_people(&mut tx).await?;
    }
    users::lock_user(&mut tx, caller.reach(), id).await?;
    let before = users::find_user(&mut tx, caller.reach(), id, disabled_too)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let after = change(&app, &mut tx, &caller, before, changes, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(Fetched(User::shown_to(after, &caller)))
}

/// Whether somebody may only change their own profile.
fn is_own_only(reach: Reach) -> bool {
    reach != Reach::All
}
