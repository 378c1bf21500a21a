//! Which settings of a tenant were changed when, by whom, from what to what: the part of the audit log that is about them.

use access::Caller;
use axum::{Json, extract::State};
use ids::TenantId;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Limit, Page, PathIds, Scope, ValidQuery, problem::Result};

use super::{audit_log::AuditEntry, visit};
use crate::{
    App,
    permissions::SettingsRead,
    store::audit_log::{self, AuditFilter},
};

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SettingsHistoryQuery {
    /// How many.
    #[serde(default)]
    #[param(value_type = Option<Limit>, inline)]
    limit: Limit,
    /// Where the last page ended.
    cursor: Option<String>,
}

/// Lists the changes of a tenant's settings, newest first, each with old and new values: admins of their own tenant, staff of
/// any. Mail addresses are masked.
#[utoipa::path(get, path = "/tenants/{id}/settings/history", responses((status = 200, description = "Changes, newest first.", body = Page<AuditEntry>)))]
pub async fn list_settings_history(
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
    let mut tx = visit::begin_on(&app, &caller, id).await?;
    let rows = audit_log::list(&mut tx, &filter, query.limit.rows()).await?;
    let now = app.gate.clock().now();
    visit::note_reading(&mut tx, &caller, id, "settings", now).await?;
    tx.commit().await?;
    let page = query.limit.page(rows, |last| {
        app.cursors.seal(&scope, &(last.occurred_at, last.id))
    });
    Ok(Json(page.map(AuditEntry::from)))
}
