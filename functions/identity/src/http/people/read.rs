//! Looking at one person.

use access::Caller;
use axum::extract::State;
use ids::UserId;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{
    Fetched, PathIds, ValidQuery,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{App, permissions::UserRead, store::users};

web::text_enum! {
    /// Also people who are disabled; for admins.
    pub enum Disabled {
        /// Those too.
        Disabled = "disabled",
    }
}

/// Whether a disabled person is there.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisabledToo {
    /// `disabled`: find the person also when disabled; for admins.
    #[param(inline)]
    pub(crate) status: Option<Disabled>,
}

/// Read a person.
#[utoipa::path(get, path = "/users/{id}", responses((status = 200, body = User, description = "The person.")))]
pub(crate) async fn get_user(
    State(app): State<App>,
    caller: Caller<UserRead>,
    PathIds(id): PathIds<UserId>,
    ValidQuery(query): ValidQuery<DisabledToo>,
) -> Result<Fetched<User>> {
    let disabled_too = query.status.is_some() && rules::sees_disabled(&caller);
    let mut tx = caller.begin(&app.db).await?;
    let user = users::find_user(&mut tx, caller.reach(), id, disabled_too)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    tx.commit().await?;
    Ok(Fetched(User::shown_to(user, &caller)))
}
