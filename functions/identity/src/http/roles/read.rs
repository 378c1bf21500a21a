//! Reads roles.

use access::list::{Entry, ListQuery, Listed};
use access::{Caller, Grants};
use axum::extract::State;
use chrono::{DateTime, Utc};
use events::UnitOfWork;
use ids::RoleId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    Fetched, Page, PathIds,
    problem::{self, Result},
    reply::Versioned,
};

use crate::{
    App,
    permissions::RoleRead,
    store::roles::{self, RoleRow},
};

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
#[schema(example = json!({
    "id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "name": "dispatcher",
    "description": "Assigns tickets",
    "base_role": "manager",
    "built_in": false,
    "permissions": {"support.ticket.read": "all", "identity.user.read": "all"},
    "people": 3,
    "created_at": "2026-11-20T10:00:00Z",
    "updated_at": "2026-11-20T10:00:00Z",
    "version": 1
}))]
pub(crate) struct Role {
    /// Identifier of the role.
    id: RoleId,
    /// Name, unique in the organisation. Users are assigned the role by this name.
    #[schema(example = "manager")]
    name: String,
    /// Description of the role's purpose; may be empty.
    description: String,
    /// Built-in role that this role is based on.
    #[schema(example = "manager")]
    base_role: String,
    /// Whether the role is built in and therefore read-only.
    built_in: bool,
    /// Permissions with their reach: `all`, `assigned` or `own`.
    #[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"support.ticket.read": "all"}))]
    permissions: Grants,
    /// Number of users with this role, not counting disabled ones.
    people: i64,
    /// When the role was created.
    created_at: DateTime<Utc>,
    /// When the role was last changed.
    updated_at: DateTime<Utc>,
    /// Version for `If-Match`; increases with every change.
    version: i32,
}

impl Versioned for Role {
    fn version(&self) -> i32 {
        self.version
    }
}

impl Role {
    /// The role, with the number of users who have it.
    pub(super) fn from_row(row: RoleRow, people: i64) -> Self {
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            base_role: row.base_role,
            built_in: row.built_in,
            permissions: row.permissions.0,
            people,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

web::query! {
    /// No filters.
    pub(crate) struct ListRoles {}
}

/// List roles
///
/// Returns the built-in and custom roles of the organisation.
#[utoipa::path(get, path = "/roles", responses((status = 200, body = Page<Role>, description = "The roles, sorted by name.")))]
pub(crate) async fn list_roles(
    State(app): State<App>,
    caller: Caller<RoleRead>,
    query: ListQuery<ListRoles>,
) -> Result<Listed<Role>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let rows = roles::list_roles(&mut unit).await?;
    let people = roles::count_people(&mut unit, false).await?;
    let entry = |row: RoleRow| Entry {
        id: row.id.to_string(),
        changed_at: row.updated_at,
        item: {
            let people = people.get(&row.id).copied().unwrap_or_default();
            Role::from_row(row, people)
        },
    };
    let entries = rows.into_iter().map(entry).collect();
    let listed = query
        .items(&app.cursors, &caller, &mut unit, roles::NAME, entries)
        .await?;
    unit.commit().await?;
    Ok(listed)
}

/// Get a role
///
/// Returns a built-in or custom role with its permissions and the number of users who have it.
#[utoipa::path(get, path = "/roles/{id}", responses((status = 200, body = Role, description = "The role.")))]
pub(crate) async fn get_role(
    State(app): State<App>,
    caller: Caller<RoleRead>,
    PathIds(id): PathIds<RoleId>,
) -> Result<Fetched<Role>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let row = roles::find_role(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    let people = roles::count_people(&mut unit, false).await?;
    unit.commit().await?;
    let people = people.get(&id).copied().unwrap_or_default();
    Ok(Fetched(Role::from_row(row, people)))
}
