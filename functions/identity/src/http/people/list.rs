//! Listing people.

use access::Caller;
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{
    Limit, SingleLine, Page, Scope, ValidQuery,
    problem::{self, Result},
};

use super::{User, rules};
use crate::{
    App,
    permissions::{RoleAssign, UserRead, UserReadSensitive},
    store::user_list::{self, Level, Position, Selection, Sort, StatusFilter},
};

/// Which people, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListUsers {
    /// A part of the name; for callers who see addresses also of the address.
    #[param(inline)]
    q: Option<SingleLine<1, 200>>,
    /// Only with the role of this name.
    #[param(inline)]
    role: Option<SingleLine<1, 64>>,
    /// Only with this status; `disabled` is for admins, who don't see disabled people otherwise.
    #[param(inline)]
    status: Option<StatusFilter>,
    /// Only people with this skill.
    #[param(inline)]
    skill: Option<SingleLine<1, 80>>,
    /// Only people who have the skill, or any, at this level or above.
    #[param(value_type = Option<i16>, minimum = 1, maximum = 5)]
    min_level: Option<Level>,
    /// The order; by name by default.
    #[param(inline)]
    sort: Option<Sort>,
    /// How many a page has.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
    /// `true`: say how many there are in all.
    count: Option<bool>,
}

/// List people.
#[utoipa::path(get, path = "/users", responses((status = 200, body = Page<User>, description = "A page of people.")))]
pub(crate) async fn list_users(
    State(app): State<App>,
    caller: Caller<UserRead>,
    ValidQuery(query): ValidQuery<ListUsers>,
) -> Result<Json<Page<User>>> {
    if query.status == Some(StatusFilter::Disabled) && !rules::sees_disabled(&caller) {
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
    let mut tx = caller.begin(&app.db).await?;
    let rows = user_list::list_users(
        &mut tx,
        caller.reach(),
        &selection,
        after.as_ref(),
        query.limit,
    )
    .await?;
    let total = match query.count {
        Some(true) => Some(user_list::count_users(&mut tx, caller.reach(), &selection).await?),
        _ => None,
    };
    tx.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors
            .seal(&scope, &Position::of(sort, &last.user, &last.sort_name))
    });
    let mut page = page.map(|row| User::shown_to(row.user, &caller));
    page.total = total;
    Ok(Json(page))
}
