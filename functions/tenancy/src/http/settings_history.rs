//! The history of a tenant's settings, from the audit log.

use access::Caller;
use axum::{Json, extract::State};
use ids::TenantId;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Limit, Page, PathIds, Scope, ValidQuery, problem::Result};

use super::{audit_log::AuditEntry, tenant_scope};
use crate::{
    App,
    permissions::SettingsRead,
    store::audit_log::{self, AuditFilter},
};

/// Paging of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsHistoryQuery {
    /// The maximum number of items to return.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
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
    ValidQuery(query): ValidQuery<SettingsHistoryQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    let scope = Scope::new("settings_history", caller.tenant.id, &id);
    let after = query
        .cursor
        .map(|cursor| app.cursors.open(&scope, &cursor))
        .transpose()?;
    let filter = AuditFilter {
        action: Some("tenancy.settings.updated"),
        after,
        ..AuditFilter::default()
    };
    let mut unit = tenant_scope::begin_for_existing_tenant(&app, &caller, id).await?;
    let rows = audit_log::list_entries(&mut unit, &filter, query.limit.rows()).await?;
    tenant_scope::audit_staff_read(&mut unit, &caller, "settings").await?;
    unit.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors.seal(&scope, &(last.occurred_at, last.id))
    });
    Ok(Json(page.map(AuditEntry::from)))
}
