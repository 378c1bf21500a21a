//! Lists of users: filters and sort orders.

use access::{
    Reach,
    list::{IdType, Order, Source, push_any},
};
use sqlx::{Postgres, QueryBuilder};

use super::owner_filter;

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

impl Sort {
    /// The expression by which users are sorted.
    pub(crate) fn order(self) -> Order {
        let (keys, descending): (&'static [(&str, &str)], _) = match self {
            Self::Created => (&[("u.created_at", "timestamptz")], false),
            Self::CreatedDescending => (&[("u.created_at", "timestamptz")], true),
            Self::Name => (&[("lower(u.display_name)", "text")], false),
            Self::NameDescending => (&[("lower(u.display_name)", "text")], true),
        };
        Order { keys, descending }
    }
}

/// All users; those that were erased are gone.
pub(crate) const USERS: Source = Source {
    name: "users",
    columns: USER_COLUMNS,
    from: "identity.users u join access.roles r on r.tenant_id = u.tenant_id and r.role_id = u.role_id",
    tenant: "u.tenant_id",
    id: "u.user_id",
    id_type: IdType::Uuid,
    changed_at: "u.updated_at",
    version: "u.version",
    gone: "u.status = 'erased'",
};
/// The users that callers see who do not manage all of them.
pub(crate) const ENABLED_USERS: Source = Source {
    gone: "u.status in ('disabled', 'erased')",
    ..USERS
};

/// Filters.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) query: Option<String>,
    /// Whether `query` also searches email addresses: masked addresses must not be discoverable by searching.
    pub(crate) query_sees_email: bool,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) statuses: Option<Vec<StatusFilter>>,
    pub(crate) skills: Option<Vec<String>>,
    pub(crate) min_level: Option<i32>,
}

/// Restricts the users to the caller's reach.
pub(crate) fn push_reach(query: &mut QueryBuilder<Postgres>, reach: Reach) {
    if let Some(own) = owner_filter(reach) {
        query.push(" and u.user_id = ").push_bind(own);
    }
}

/// Restricts the users to those that match.
pub(crate) fn push_selection(query: &mut QueryBuilder<Postgres>, selection: &Selection) {
    match &selection.statuses {
        Some(_) => push_any(query, "u.status", selection.statuses.as_ref()),
        None => {
            query.push(" and u.status in ('invited', 'active', 'locked')");
        }
    }
    if let Some(text) = &selection.query {
        query
            .push(" and u.user_id in (select identity.matching_users(")
            .push_bind(text.clone())
            .push(", ")
            .push_bind(selection.query_sees_email)
            .push("))");
    }
    push_any(query, "r.name", selection.roles.as_ref());
    if selection.skills.is_some() || selection.min_level.is_some() {
        query.push(" and exists (select from identity.expertise e where e.tenant_id = u.tenant_id and e.user_id = u.user_id");
        push_any(query, "e.skill", selection.skills.as_ref());
        if let Some(level) = selection.min_level {
            query.push(" and e.level >= ").push_bind(level);
        }
        query.push(")");
    }
}
