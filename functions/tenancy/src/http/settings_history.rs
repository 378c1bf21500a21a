//! The history of a tenant's settings, from the audit log.

use crate::store::audit_log::AuditRow;
use access::Caller;
use access::list::{ListQuery, Listed};
use axum::extract::State;
use ids::TenantId;
use web::{Page, PathIds, problem::Result};

use super::{audit_log::AuditEntry, tenant_scope};
use crate::{
    App,
    permissions::SettingsRead,
    store::audit_log::{self},
};

web::query! {
    /// No filters.
    pub(crate) struct ListSettingsHistory {}
}

/// List changes of settings
///
/// Returns who changed which settings of a tenant and when, with old and new values, newest first. Email addresses are
/// masked. Admins can read the history of their own tenant, platform staff of any tenant.
#[utoipa::path(get, path = "/tenants/{id}/settings/history", responses((status = 200, description = "The changes, newest first.", body = Page<AuditEntry>)))]
pub(crate) async fn list_settings_history(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    PathIds(id): PathIds<TenantId>,
    query: ListQuery<ListSettingsHistory>,
) -> Result<Listed<AuditEntry>> {
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    let listed = query
        .rows(
            &app.cursors,
            &caller,
            &mut unit,
            (&audit_log::ENTRIES, audit_log::NEWEST_FIRST),
            |sql| {
                sql.push(" and l.action = 'tenancy.settings.updated'");
            },
            |_| {},
        )
        .await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "settings").await?;
    unit.commit().await?;
    Ok(listed.map(|row: AuditRow| AuditEntry::from(row)))
}
