//! One's own profile.

use access::{Anyone, Caller, Reach};
use axum::extract::State;
use db::Actor;
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
    error::NOT_A_PERSON,
    http::{
        people::{Changes, User, change},
        sessions::logout::home,
    },
    permissions::UserUpdate,
    store::users,
};

web::body! {
    /// What changes about oneself.
    pub struct UpdateMe {
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
    }
    example { "name": "Ada Lovelace", "locale": "en" }
}

/// Read one's own profile.
#[utoipa::path(get, path = "/me", responses((status = 200, body = User, description = "The person who calls.")))]
pub(crate) async fn get_me(
    State(app): State<App>,
    caller: Caller<Anyone>,
) -> Result<Fetched<User>> {
    let me = caller.user.ok_or(&NOT_A_PERSON)?;
    let mut tx = app.db.begin(home(&caller), Actor::user(me)).await?;
    let user = users::find_user(&mut tx, Reach::Own(me), me, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    Ok(Fetched(User::shown(user, caller.impersonator.is_none())))
}

/// Change one's own profile.
#[utoipa::path(method(put, patch), path = "/me", responses((status = 200, body = User, description = "The person as they are now.")))]
pub(crate) async fn update_me(
    State(app): State<App>,
    caller: Caller<UserUpdate>,
    if_match: IfMatch,
    body: ValidJson<UpdateMe>,
) -> Result<Fetched<User>> {
    let now = app.state.clock().now();
    let me = caller.user.ok_or(&NOT_A_PERSON)?;
    let UpdateMe {
        given_name,
        family_name,
        name,
        phone,
        locale,
        time_zone,
    } = body.value;
    let changes = Changes {
        given_name,
        family_name,
        name,
        phone,
        locale,
        time_zone,
        ..Changes::default()
    };
    let mut tx = caller.begin(&app.db).await?;
    users::lock_user(&mut tx, Reach::Own(me), me).await?;
    let before = users::find_user(&mut tx, Reach::Own(me), me, false)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if_match.check(before.version)?;
    let after = change(&app, &mut tx, &caller, before, changes, now).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_people();
    Ok(Fetched(User::shown(after, true)))
}
