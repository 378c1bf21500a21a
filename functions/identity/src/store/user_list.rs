//! Lists of people: filters, sorts, keyset pages.

use access::Reach;
use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::UserId;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use web::Limit;

use super::{only, users::UserRow};

const COLUMNS: &str = "u.user_id as id, u.role_id, r.name as role, u.email, u.given_name, u.family_name, u.display_name,
    u.status, u.locale, u.time_zone, u.phone, u.email_verified_at,
    (u.password_hash is not null or u.email_verified_at is not null) as activated, u.last_seen_at, u.version, u.created_at, u.updated_at";

web::text_enum! {
    /// The order of a list of people; with a minus sign the other way round.
    pub enum Sort {
        /// Oldest account first.
        Created = "created",
        /// Newest account first.
        CreatedDescending = "-created",
        /// By display name.
        Name = "name",
        /// By display name, backwards.
        NameDescending = "-name",
    }
}

web::text_enum! {
    /// Where an account stands.
    pub enum StatusFilter {
        /// Has not proved the address yet.
        Invited = "invited",
        /// Can sign in.
        Active = "active",
        /// Shut out for now.
        Locked = "locked",
        /// Gone for everybody but admins.
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

/// Which people, and in which order.
#[derive(Debug, Serialize)]
pub(crate) struct Selection {
    pub(crate) query: Option<String>,
    /// Whether `query` also looks at addresses: an address that is masked must not be found by guessing.
    pub(crate) query_sees_email: bool,
    pub(crate) role: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) skill: Option<String>,
    pub(crate) min_level: Option<Level>,
    pub(crate) sort: Sort,
}

/// Where a page begins: behind this row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Position {
    Created(DateTime<Utc>, UserId),
    Name(String, UserId),
}

impl Position {
    /// The position of a row in a list of this order.
    pub(crate) fn of(sort: Sort, row: &UserRow, sort_name: &str) -> Self {
        match sort {
            Sort::Created | Sort::CreatedDescending => Self::Created(row.created_at, row.id),
            Sort::Name | Sort::NameDescending => Self::Name(sort_name.to_owned(), row.id),
        }
    }
}

/// A row with the name by which PostgreSQL sorts it: its lower case is not always ours.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Listed {
    #[sqlx(flatten)]
    pub(crate) user: UserRow,
    pub(crate) sort_name: String,
}

/// One page and the first row behind it.
pub(crate) async fn list_users(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
    after: Option<&Position>,
    limit: Limit,
) -> db::Result<Vec<Listed>> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(COLUMNS)
        .push(", lower(u.display_name) as sort_name");
    select(&mut query, tx, reach, selection);
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

/// How many there are on all pages.
pub(crate) async fn count_users(
    tx: &mut TenantTx,
    reach: Reach,
    selection: &Selection,
) -> db::Result<i64> {
    let mut query = QueryBuilder::new("select count(*)");
    select(&mut query, tx, reach, selection);
    Ok(query.build_query_scalar().fetch_one(tx.conn()).await?)
}

fn select(query: &mut QueryBuilder<Postgres>, tx: &TenantTx, reach: Reach, selection: &Selection) {
    query
        .push("\nfrom identity.users u\njoin access.roles r on r.tenant_id = u.tenant_id and r.role_id = u.role_id\nwhere u.tenant_id = ")
        .push_bind(tx.tenant());
    if let Some(own) = only(reach) {
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
