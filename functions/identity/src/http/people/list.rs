//! Lists users.

use access::{
    Caller,
    list::{ListQuery, Listed},
};
use axum::extract::State;
use events::UnitOfWork;
use web::{
    Page, SingleLine,
    body::Int,
    problem::{self, Result},
    query::OneOf,
};

use super::{User, rules};
use crate::{
    App,
    permissions::{RoleAssign, UserRead, UserReadSensitive},
    store::user_list::{self, Selection, Sort, StatusFilter},
};

web::query! {
    /// Filters and sort order.
    pub(crate) struct ListUsers {
        /// Part of the name, or of the email address for callers who can see it.
        q: Option<SingleLine<1, 200>>,
        /// Only users with one of these roles, by name.
        role: OneOf<SingleLine<1, 64>>,
        /// Only users with one of these statuses. Disabled users are listed only with `disabled`, and only for admins.
        status: OneOf<StatusFilter>,
        /// Only users with one of these skills.
        skill: OneOf<SingleLine<1, 80>>,
        /// Only users who have the skill, or any skill, at this level or above.
        min_level: Option<Int<1, 5>>,
        /// Sort order. Defaults to `name`.
        sort: Option<Sort>,
    }
}

/// List users
///
/// Email addresses and phone numbers are masked for callers without `identity.user.read_sensitive`. Disabled users are not included
/// unless an admin filters for them.
#[utoipa::path(get, path = "/users", responses((status = 200, body = Page<User>, description = "A page of users.")))]
pub(crate) async fn list_users(
    State(app): State<App>,
    caller: Caller<UserRead>,
    query: ListQuery<ListUsers>,
) -> Result<Listed<User>> {
    let ListUsers {
        q,
        role,
        status,
        skill,
        min_level,
        sort,
    } = query.filter.clone();
    let statuses = status.given();
    let sees_disabled = rules::can_see_disabled(&caller);
    let asks_for_disabled =
        |statuses: &Vec<StatusFilter>| statuses.contains(&StatusFilter::Disabled);
    if statuses.as_ref().is_some_and(asks_for_disabled) && !sees_disabled {
        return Err(problem::FORBIDDEN.problem().argument(
            "permission",
            <RoleAssign as access::Permission>::NAME.unwrap_or_default(),
        ));
    }
    let selection = Selection {
        query: q.map(SingleLine::into_string),
        query_sees_email: caller.may::<UserReadSensitive>().is_some(),
        roles: role
            .given()
            .map(|roles| roles.into_iter().map(SingleLine::into_string).collect()),
        statuses,
        skills: skill.given().map(|skills| {
            skills
                .iter()
                .map(|skill| skill.as_str().to_lowercase())
                .collect()
        }),
        min_level: min_level.map(Int::get),
    };
    let source = if sees_disabled {
        &user_list::USERS
    } else {
        &user_list::ENABLED_USERS
    };
    let reach = caller.reach();
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (source, sort.unwrap_or(Sort::Name).order()),
            |sql| user_list::push_reach(sql, reach),
            |sql| user_list::push_selection(sql, &selection),
        )
        .await?;
    unit.commit().await?;
    Ok(listed.map(|row| User::redacted_for(row, &caller)))
}
