//! Roles of the tenant.

use access::{Caller, Grants};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ids::RoleId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Page, problem::Result};

use crate::{App, permissions::RoleRead, store::roles};

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name on the wire")]
pub(crate) struct Role {
    id: RoleId,
    /// Unique in the organisation; people are given it by this name.
    #[schema(example = "manager")]
    name: String,
    description: String,
    /// The built-in role that it is built on.
    #[schema(example = "manager")]
    base_role: String,
    /// Whether it came with the organisation and can't be changed.
    built_in: bool,
    /// What it may do, and how far: `all`, `assigned` or `own`.
    #[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"support.ticket.read": "all"}))]
    permissions: Grants,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
}

/// List the roles that people here can have.
#[utoipa::path(get, path = "/roles", responses((status = 200, body = Page<Role>, description = "All roles by name, on one page.")))]
pub(crate) async fn list_roles(
    State(app): State<App>,
    caller: Caller<RoleRead>,
) -> Result<Json<Page<Role>>> {
    let mut tx = caller.begin(&app.db).await?;
    let rows = roles::list_roles(&mut tx).await?;
    tx.commit().await?;
    let items = rows
        .into_iter()
        .map(|row| Role {
            id: row.id,
            name: row.name,
            description: row.description,
            base_role: row.base_role,
            built_in: row.built_in,
            permissions: row.permissions.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
        .collect();
    Ok(Json(Page {
        items,
        next_cursor: None,
        total: None,
    }))
}
