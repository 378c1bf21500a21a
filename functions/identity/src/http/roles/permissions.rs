//! Lists all permissions.

use std::collections::BTreeMap;

use access::{
    Caller,
    list::{Entry, ListQuery, Listed},
};
use axum::extract::State;
use chrono::DateTime;
use events::UnitOfWork;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Page, problem::Result};

use crate::{App, permissions::RoleRead, store::roles};

/// A permission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionView {
    /// Name in the form `context.resource.action`.
    #[schema(example = "support.ticket.read")]
    name: String,
    /// Context that the permission belongs to.
    #[schema(example = "support")]
    context: String,
    /// Built-in roles that have the permission, with its reach: `all`, `assigned` or `own`.
    #[schema(example = json!({"admin": "all", "customer": "own"}))]
    built_in_roles: BTreeMap<String, String>,
}

web::query! {
    /// No filters.
    pub(crate) struct ListPermissions {}
}

/// List permissions
///
/// Returns every permission that a role or API key can have, with the built-in roles that have it.
#[utoipa::path(get, path = "/permissions", responses((status = 200, body = Page<PermissionView>, description = "All permissions, sorted by name.")))]
pub(crate) async fn list_permissions(
    State(app): State<App>,
    caller: Caller<RoleRead>,
    query: ListQuery<ListPermissions>,
) -> Result<Listed<PermissionView>> {
    let mut unit = UnitOfWork::begin(&app, &caller).await?;
    let grants = roles::list_builtin_grants(&mut unit).await?;
    let mut by_name: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    // Tenants cannot grant permissions that are reserved for platform staff.
    let visible = |base_role: &str| base_role != "superadmin" || caller.is_superadmin();
    for grant in grants.into_iter().filter(|grant| visible(&grant.base_role)) {
        by_name
            .entry(grant.permission)
            .or_default()
            .insert(grant.base_role, grant.reach);
    }
    let entry = |(name, built_in_roles): (String, BTreeMap<String, String>)| Entry {
        id: name.clone(),
        // They change with a release only.
        changed_at: DateTime::UNIX_EPOCH,
        item: PermissionView {
            context: name.split('.').next().unwrap_or_default().to_owned(),
            name,
            built_in_roles,
        },
    };
    let entries = by_name.into_iter().map(entry).collect();
    let listed = query
        .items(&app.cursors, &caller, &mut unit, "permissions", entries)
        .await?;
    unit.commit().await?;
    Ok(listed)
}
