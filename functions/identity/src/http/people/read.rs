//! Reads a user.

use access::Caller;
use axum::extract::State;
use events::UnitOfWork;
use ids::UserId;
use web::{
    Fetched, PathIds, ValidQuery,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{App, permissions::UserRead, store::users};

web::text_enum! {
    /// Includes disabled users; for admins.
    pub enum Disabled {
        /// Include disabled users.
        Disabled = "disabled",
    }
}

web::query! {
    /// Whether disabled users are found.
    pub(crate) struct GetUserQuery {
        /// `disabled`: find the user even if disabled. For admins only.
        pub(crate) status: Option<Disabled>,
    }
}

/// Get a user
///
/// Email address and phone number are masked for callers without `identity.user.read_sensitive`, except for their own account.
#[utoipa::path(get, path = "/users/{id}", responses((status = 200, body = User, description = "The user.")))]
pub(crate) async fn get_user(
    State(app): State<App>,
    caller: Caller<UserRead>,
    PathIds(id): PathIds<UserId>,
    ValidQuery(query): ValidQuery<GetUserQuery>,
) -> Result<Fetched<User>> {
    let include_disabled = query.status.is_some() && rules::can_see_disabled(&caller);
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let user = users::find_user(&mut unit, caller.reach(), id, include_disabled)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    unit.commit().await?;
    Ok(Fetched(User::redacted_for(user, &caller)))
}
