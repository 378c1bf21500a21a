//! Lists of users: filters, sort orders, keyset pages.

use access::Reach;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use web::Limit;

use super::{owner_filter, users::UserRow};

const USER_COLUMNS: &str = "u.user_id as id, u.role_id, r.name as role, u.email, u.given_name, u.family_name, u.display_name,
    u.status, u.locale, u.time_zone, u.phone, u.email_verified_at,
    (u.password_hash is not null or u.email_verified_at is not null) as activated, u.last_seen_at, u.version, u.created_at, u.updated_at";

web::text_enum! {
    /// Sort order of a list of users; a minus sign reverses it.
    pub enum Sort {
        /// Oldest account first.
        Created = "created",
        /// Newest account first.
        CreatedDescending = "-created",
        /// By display name.
        Name = "name",
        /// By display name, descending.
        NameDescending = "-name",
    }
}

web::text_enum! {
    /// Status of an account.
    pub enum StatusFilter {
        /// The email address has not been verified yet.
        Invited = "invited",
        /// The user can sign in.
        Active = "active",
        /// The user cannot sign in for now.
        Locked = "locked",
        /// The user is disabled; for admins only.
        Disabled = "disabled",
    }
}

/// A level from 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Level(i16);

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i16::deserialize(deserializer)? {
            level @ 1..=5 => Ok(Self(level)),
            _ => Err(serde::de::Error::custom("from 1 to 5")),
        }
    }
}

/// Filters and sort order.
#[derive(Debug, Serialize)]
pub(crate) struct Selection {
    pub(crate) query: Option<String>,
    /// Whether `query` also searches email addresses: masked addresses must not be discoverable by searching.
    pub(crate) query_sees_email: bool,
    pub(crate) role: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) skill: Option<String>,
    pub(crate) min_level: Option<Level>,
    pub(crate) sort: Sort,
}

/// The keyset position of a row; the page starts after it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Position {
    Created(DateTime<Utc>, UserId),
    Name(String, UserId),
}

impl Position {
    /// The position of a row in this sort order.
    pub(crate) fn after(sort: Sort, row: &UserRow, sort_name: &str) -> Self {
        match sort {
            Sort::Created | Sort::CreatedDescending => Self::Created(row.created_at, row.id),
            Sort::Name | Sort::NameDescending => Self::Name(sort_name.to_owned(), row.id),
        }
    }
}

/// A row with the name that PostgreSQL sorts it by, because its lower-casing can differ from ours.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ListedUser {
    #[sqlx(flatten)]
    pub(crate) user: UserRow,
    pub(crate) sort_name: String,
}

/// Returns one page plus one row.
pub(crate) async fn list_users(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
    after: Option<&Position>,
    limit: Limit,
) -> db::Result<Vec<ListedUser>> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(USER_COLUMNS)
        .push(", lower(u.display_name) as sort_name");
    push_selection(&mut query, tx, reach, selection);
    let (key, direction, comparison) = match selection.sort {
        Sort::Created => ("u.created_at", "asc", ">"),
        Sort::CreatedDescending => ("u.created_at", "desc", "<"),
        Sort::Name => ("lower(u.display_name)", "asc", ">"),
        Sort::NameDescending => ("lower(u.display_name)", "desc", "<"),
    };
    if let Some(position) = after {
        query.push(format!("\n and ({key}, u.user_id) {comparison} ("));
        match position {
            Position::Created(at, id) => query.push_bind(*at).push(", ").push_bind(*id),
            Position::Name(name, id) => query.push_bind(name.clone()).push(", ").push_bind(*id),
        };
        query.push(")");
    }
    query.push(format!(
        "\norder by {key} {direction}, u.user_id {direction}\nlimit "
    ));
    query.push_bind(limit.rows());
    Ok(query.build_query_as().fetch_all(tx.conn()).await?)
}

/// Counts the rows of all pages.
pub(crate) async fn count_users(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
) -> db::Result<i64> {
    let mut query = QueryBuilder::new("select count(*)");
    push_selection(&mut query, tx, reach, selection);
    Ok(query.build_query_scalar().fetch_one(tx.conn()).await?)
}

fn push_selection(
    query: &mut QueryBuilder<Postgres>,
    tx: &TenantTx,
    reach: Reach,
    selection: &Selection,
) {
    query
        .push("\nfrom identity.users u\njoin access.roles r on r.tenant_id = u.tenant_id and r.role_id = u.role_id\nwhere u.tenant_id = ")
        .push_bind(tx.tenant());
    if let Some(own) = owner_filter(reach) {
        query.push("\n and u.user_id = ").push_bind(own);
    }
    match selection.status {
        Some(status) => query.push("\n and u.status = ").push_bind(status),
        None => query.push("\n and u.status in ('invited', 'active', 'locked')"),
    };
    if let Some(text) = &selection.query {
        query
            .push("\n and u.user_id in (select identity.matching_users(")
            .push_bind(text.clone())
            .push(", ")
            .push_bind(selection.query_sees_email)
            .push("))");
    }
    if let Some(role) = &selection.role {
        query.push("\n and r.name = ").push_bind(role.clone());
    }
    if selection.skill.is_some() || selection.min_level.is_some() {
        query.push("\n and exists (select from identity.expertise e where e.tenant_id = u.tenant_id and e.user_id = u.user_id");
        if let Some(skill) = &selection.skill {
            query
                .push(" and e.skill = ")
                .push_bind(skill.to_lowercase());
        }
        if let Some(level) = selection.min_level {
            query.push(" and e.level >= ").push_bind(level.0);
        }
        query.push(")");
    }
}
