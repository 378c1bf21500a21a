//! Lists users.

use access::Caller;
use axum::{Json, extract::State};
use events::UnitOfWork;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{
    Limit, Page, Scope, SingleLine, ValidQuery,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{
    App,
    permissions::{RoleAssign, UserRead, UserReadSensitive},
    store::user_list::{self, Level, Position, Selection, Sort, StatusFilter},
};

/// Filters, sort order and pagination.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListUsers {
    /// Part of the name, or of the email address for callers who can see it.
    #[param(inline)]
    q: Option<SingleLine<1, 200>>,
    /// Only users with the role of this name.
    #[param(inline)]
    role: Option<SingleLine<1, 64>>,
    /// Only users with this status. Disabled users are listed only with `disabled`, and only for admins.
    #[param(inline)]
    status: Option<StatusFilter>,
    /// Only users with this skill.
    #[param(inline)]
    skill: Option<SingleLine<1, 80>>,
    /// Only users who have the skill, or any skill, at this level or above.
    #[param(value_type = Option<i16>, minimum = 1, maximum = 5)]
    min_level: Option<Level>,
    /// Sort order. Defaults to `name`.
    #[param(inline)]
    sort: Option<Sort>,
    /// Maximum number of items per page.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// `next_cursor` of the previous page; omit it for the first page.
    cursor: Option<String>,
    /// `true`: include the total number of matching users.
    count: Option<bool>,
}

/// List users
///
/// Email addresses and phone numbers are masked for callers without `identity.user.read_sensitive`. Disabled users are not included
/// unless an admin filters for them.
#[utoipa::path(get, path = "/users", responses((status = 200, body = Page<User>, description = "A page of users.")))]
pub(crate) async fn list_users(
    State(app): State<App>,
    caller: Caller<UserRead>,
    ValidQuery(query): ValidQuery<ListUsers>,
) -> Result<Json<Page<User>>> {
    if query.status == Some(StatusFilter::Disabled) && !rules::can_see_disabled(&caller) {
        return Err(problem::FORBIDDEN.problem().argument(
            "permission",
            <RoleAssign as access::Permission>::NAME.unwrap_or_default(),
        ));
    }
    let sort = query.sort.unwrap_or(Sort::Name);
    let selection = Selection {
        query: query.q.map(SingleLine::into_string),
        query_sees_email: caller.may::<UserReadSensitive>().is_some(),
        role: query.role.map(SingleLine::into_string),
        status: query.status,
        skill: query.skill.map(SingleLine::into_string),
        min_level: query.min_level,
        sort,
    };
    let scope = Scope::new(
        "users",
        caller.tenant.id,
        &(&selection, caller.reach().owner()),
    );
    let after: Option<Position> = query
        .cursor
        .as_deref()
        .map(|cursor| app.cursors.open(&scope, cursor))
        .transpose()?;
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let rows = user_list::list_users(
        &mut unit,
        caller.reach(),
        &selection,
        after.as_ref(),
        query.limit,
    )
    .await?;
    let total = match query.count {
        Some(true) => Some(user_list::count_users(&mut unit, caller.reach(), &selection).await?),
        _ => None,
    };
    unit.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors
            .seal(&scope, &Position::after(sort, &last.user, &last.sort_name))
    });
    let mut page = page.map(|row| User::redacted_for(row.user, &caller));
    page.total = total;
    Ok(Json(page))
}
