//! Making roles.

use access::{Attempt, Caller, Idempotent};
use axum::{extract::State, response::Response};
use ids::RoleId;
use sqlx::types::Json;
use web::{Created, SingleLine, Text, problem::Result};

use super::{
    read::Role,
    rules::{check_role, follow_up, taken},
};
use crate::{
    App,
    domain::role::{BaseRole, WantedGrants},
    error::TOO_MANY_ROLES,
    events::ROLE_CREATED,
    permissions::RoleUpdate,
    store::roles::{self, RoleRow},
};

/// Roles that a tenant has at most: all of them stand on one page.
const MOST_ROLES: usize = 100;

web::body! {
    /// A new role.
    pub struct CreateRole {
        /// Unique in the organisation; people are given the role by it.
        pub name: SingleLine<1, 60>,
        /// What it is for.
        pub description: Option<Text<1, 500>>,
        /// The built-in role that it is built on: whoever manages people below that one manages those who have this one.
        pub base_role: BaseRole,
        /// What it may do, and how far.
        pub permissions: WantedGrants,
    }
    example {
        "name": "dispatcher",
        "description": "Assigns tickets",
        "base_role": "expert",
        "permissions": { "support.ticket.read": "all", "support.ticket.update": "all" }
    }
}

/// Make a role.
///
/// Nobody gives a role a permission that they lack themselves, or one that reaches farther than theirs.
#[utoipa::path(post, path = "/roles", responses((status = 201, body = Role, description = "Made.", headers(
    ("Location" = String, description = "Where the role is."),
    ("Idempotent-Replayed" = Option<String>, description = "`true` when this is the answer to an earlier request with the same key."),
))))]
pub(crate) async fn create_role(
    State(app): State<App>,
    caller: Caller<RoleUpdate>,
    body: Idempotent<CreateRole>,
) -> Result<Response> {
    let now = app.state.clock().now();
    let (mut tx, body, pending) = match body.begin(&caller, &app.db, now).await? {
        Attempt::First(tx, body, pending) => (tx, body, pending),
        Attempt::Replay(answer) => return Ok(answer),
    };
    let role = RoleRow {
        id: RoleId::at(now),
        name: body.name.into_string(),
        description: body.description.map(Text::into_string).unwrap_or_default(),
        base_role: body.base_role.as_str().to_owned(),
        built_in: false,
        permissions: Json(body.permissions.whole()),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_role(&mut tx, &caller, &role).await?;
    roles::lock_roles(&mut tx).await?;
    if roles::list_roles(&mut tx).await?.len() >= MOST_ROLES {
        return Err(TOO_MANY_ROLES.problem().argument("most", MOST_ROLES));
    }
    roles::insert_role(&mut tx, &role)
        .await
        .map_err(taken(&role))?;
    follow_up(
        &mut tx,
        &caller,
        (&ROLE_CREATED, "identity.role.created"),
        (None, Some(&role)),
        now,
    )
    .await?;
    let location = format!("/api/v1/roles/{}", role.id);
    let resource = Role::shown(role, 0);
    pending.created(tx, Created { location, resource }).await
}
