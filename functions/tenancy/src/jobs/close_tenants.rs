//! The last step of a tenant's life.

use access::TenantStatus;
use chrono::{DateTime, Utc};
use db::Actor;
use events::Run;
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

/// How many were closed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Closed {
    pub(crate) tenants: u64,
}

/// Closes every tenant whose 30 days are over.
pub(crate) async fn close_tenants(app: &App, run: &Run) -> Result<Closed> {
    let now = app.gate.clock().now();
    let mut tx = app.db.begin_unscoped().await?;
    let due = tenants::due_closings(&mut tx, now).await?;
    tx.commit().await?;
    let mut closed = Closed::default();
    let mut visits = run.visits(due);
    while let Some(tenant) = visits.next_tenant() {
        let done = close(app, &run.request, tenant, now).await;
        closed.tenants += u64::from(visits.saw(tenant, done) == Some(true));
    }
    visits.end()?;
    Ok(closed)
}

/// Keys and origins end with the tenant, not only when they are erased: each is a lock of its own.
async fn close(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    // Somebody may have taken it back in the last moment.
    let still = |row: &TenantRow| {
        row.status == TenantStatus::Closing && row.closes_at.is_some_and(|end| end <= now)
    };
    let Some(before) = tenants::lock(&mut tx, tenant).await?.filter(still) else {
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
    api_keys::revoke_all(&mut tx, now).await?;
    domains::delete_origins(&mut tx).await?;
    change_status(&mut tx, request, &before, &after).await?;
    tx.commit().await?;
    app.gate.forget_tenant(tenant).await;
    Ok(true)
}
