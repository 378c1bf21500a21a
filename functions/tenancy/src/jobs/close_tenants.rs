//! The last step of a tenant's life cycle.

use access::TenantStatus;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    http::life_cycle::change_status,
    store::{
        api_keys, domains,
        tenants::{self, TenantRow},
    },
};

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Closed {
    pub(crate) tenants: u64,
}

/// Closes every tenant whose 30 days are over.
pub(crate) async fn close_tenants(app: &App, run: &Run) -> Result<Closed> {
    let mut tx = app.db.begin_unscoped().await?;
    let due = tenants::list_due_closings(&mut tx, app.state.clock().now()).await?;
    tx.commit().await?;
    let mut closed = Closed::default();
    let mut tenant_loop = run.tenant_loop(due);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let done = close(app, &run.request, tenant).await;
        closed.tenants += u64::from(tenant_loop.record(tenant, done) == Some(true));
    }
    tenant_loop.finish()?;
    Ok(closed)
}

/// Closes a tenant. Its keys and origins are revoked here and not only when they are erased, because each of them
/// grants access on its own.
async fn close(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<bool> {
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let now = unit.now();
    // The tenant may have been reactivated meanwhile.
    let is_due = |row: &TenantRow| {
        row.status == TenantStatus::Closing && row.closes_at.is_some_and(|end| end <= now)
    };
    let Some(before) = tenants::lock_tenant(&mut unit, tenant)
        .await?
        .filter(is_due)
    else {
        return Ok(false);
    };
    let after = TenantRow {
        status: TenantStatus::Closed,
        status_since: Some(now),
        closes_at: None,
        version: before.version + 1,
        updated_at: now,
        ..before.clone()
    };
    api_keys::revoke_all_api_keys(&mut unit).await?;
    domains::delete_origins(&mut unit).await?;
    let mut unit = unit.with_reason(after.status_reason.clone());
    change_status(&mut unit, &before, &after).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(tenant).await;
    Ok(true)
}
