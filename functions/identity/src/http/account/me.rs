//! The profile of the signed-in user.

use access::problems::NOT_A_PERSON;
use access::{Anyone, Caller, Reach};
use axum::extract::State;
use events::UnitOfWork;
use web::{
    Fetched, IfMatch, TimeZone, ValidJson,
    body::Change,
    fields::Locale,
    problem::{self, Result},
};

use crate::{
    App,
    domain::{
        name::{FullName, NamePart},
        phone::Phone,
    },
    http::{
        current_user::CurrentUser,
        people::{User, UserChanges, apply_changes},
    },
    permissions::UserUpdate,
    store::users,
};

web::body! {
    /// Changes to your own profile. Omitted fields are not changed.
    pub struct UpdateMe {
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
    }
    example { "name": "Ada Lovelace", "locale": "en" }
}

/// Get your profile
///
/// Returns the signed-in user with email address and phone number unmasked.
#[utoipa::path(get, path = "/me", responses((status = 200, body = User, description = "The signed-in user.")))]
pub(crate) async fn get_me(
    State(app): State<App>,
    caller: Caller<Anyone>,
) -> Result<Fetched<User>> {
    let me = CurrentUser::from_caller(&caller)?;
    let mut tx = me.begin_read_only(&app).await?;
    let user = users::find_user(&mut tx, Reach::Own(me.user), me.user, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    Ok(Fetched(User::from_row(user, caller.impersonator.is_none())))
}

/// Update your profile
///
/// Changes names, phone number, language and time zone. Email address and password have endpoints of their own; only
/// administrators can change role and status.
#[utoipa::path(method(put, patch), path = "/me", responses((status = 200, body = User, description = "The updated user.")))]
pub(crate) async fn update_me(
    State(app): State<App>,
    caller: Caller<UserUpdate>,
    if_match: IfMatch,
    body: ValidJson<UpdateMe>,
) -> Result<Fetched<User>> {
    let me = caller.user.ok_or(&NOT_A_PERSON)?;
    let UpdateMe {
        given_name,
        family_name,
        name,
        phone,
        locale,
        time_zone,
    } = body.value;
    let changes = UserChanges {
        given_name,
        family_name,
        name,
        phone,
        locale,
        time_zone,
        ..UserChanges::default()
    };
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    users::lock_user(&mut unit, Reach::Own(me), me).await?;
    let before = users::find_user(&mut unit, Reach::Own(me), me, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let after = apply_changes(&app, unit, &caller, before, changes).await?;
    Ok(Fetched(User::from_row(after, true)))
}
