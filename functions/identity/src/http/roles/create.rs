//! Creates custom roles.

use access::Caller;
use axum::{extract::State, response::Response};
use events::{Attempt, Idempotent};
use ids::RoleId;
use sqlx::types::Json;
use web::{Created, SingleLine, Text, problem::Result};

use super::{
    read::Role,
    rules::{audit_entry, check_role, name_conflict},
};
use crate::{
    App,
    domain::role::{BaseRole, WantedGrants},
    error::TOO_MANY_ROLES,
    events::RoleCreated,
    permissions::RoleUpdate,
    store::roles::{self, RoleRow},
};

/// Maximum number of roles per tenant; all of them are listed on one page.
const MAX_ROLES: usize = 100;

web::body! {
    /// A new role.
    pub struct CreateRole {
        /// Name, unique in the organisation. Users are assigned the role by this name.
        pub name: SingleLine<1, 60>,
        /// Description of the role's purpose.
        pub description: Option<Text<1, 500>>,
        /// Built-in role that this role is based on. It determines who may manage users with this role.
        pub base_role: BaseRole,
        /// Permissions with their reach: `all`, `assigned` or `own`.
        pub permissions: WantedGrants,
    }
    example {
        "name": "dispatcher",
        "description": "Assigns tickets",
        "base_role": "expert",
        "permissions": { "support.ticket.read": "all", "support.ticket.update": "all" }
    }
}

/// Create a role
///
/// Callers can grant only permissions that they have themselves, and with no greater reach than their own.
#[utoipa::path(post, path = "/roles", responses((status = 201, body = Role, description = "The created role.", headers(
    ("Location" = String, description = "URL of the role."),
    ("Idempotent-Replayed" = Option<String>, description = "`true` if this is the response to an earlier request with the same key."),
))))]
pub(crate) async fn create_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    body: Idempotent<CreateRole>,
) -> Result<Response> {
    let (mut unit, body, pending) = match body.begin(&app, &caller).await? {
        Attempt::First(unit, body, pending) => (unit, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let now = unit.now();
    let role = RoleRow {
        id: RoleId::at(now),
        name: body.name.into_string(),
        description: body.description.map(Text::into_string).unwrap_or_default(),
        base_role: body.base_role.as_str().to_owned(),
        built_in: false,
        permissions: Json(body.permissions.into_grants()),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_role(&mut unit, &caller, &role).await?;
    roles::lock_roles(&mut unit).await?;
    if roles::list_roles(&mut unit).await?.len() >= MAX_ROLES {
        return Err(TOO_MANY_ROLES.problem().argument("most", MAX_ROLES));
    }
    roles::insert_role(&mut unit, &role)
        .await
        .map_err(name_conflict(&role))?;
    unit.publish(role.version, RoleCreated { role_id: role.id })
        .await?;
    let entry = audit_entry("identity.role.created", role.id, None, Some(&role));
    unit.audit(entry).await?;
    let location = format!("/api/v1/roles/{}", role.id);
    let resource = Role::from_row(role, 0);
    pending.created(unit, Created { location, resource }).await
}
