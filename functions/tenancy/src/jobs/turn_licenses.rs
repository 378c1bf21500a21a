//! The hour at which a licence begins or ends has passed: the mirror says so by itself again.
//!
//! Nobody waits for this: whoever reads a tenant looks for the terms that hold at that time. It announces nothing either,
//! because nothing happens here.

use db::Actor;
use ids::TenantId;
use serde::Serialize;
use web::problem::{self, Result};

use crate::{
    App,
    http::licensing,
    store::{tenants, usage},
};

/// How many tenants were mirrored.
#[derive(Debug, Default, Serialize)]
pub(super) struct Turned {
    tenants: u64,
    /// Tenants that could not be; the log says why, and the next run tries again.
    failed: u64,
}

pub(super) async fn turn_licenses(app: &App) -> Result<Turned> {
    let mut tx = app.db.begin_unscoped().await?;
    let due = usage::tenants_with_due_licenses(&mut tx, app.gate.clock().now()).await?;
    tx.commit().await?;
    let mut turned = Turned::default();
    for tenant in due {
        // One tenant's trouble is no other's.
        match turn(app, tenant).await {
            Ok(()) => turned.tenants += 1,
            Err(problem) => {
                tracing::error!(%tenant, code = problem.kind().code, "licence not mirrored");
                turned.failed += 1;
            }
        }
    }
    Ok(turned)
}

async fn turn(app: &App, tenant: TenantId) -> Result<()> {
    let now = app.gate.clock().now();
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let mut row = tenants::lock(&mut tx, tenant)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    row.version += 1;
    row.updated_at = now;
    licensing::mirror(&mut tx, &mut row, now).await?;
    tenants::update(&mut tx, &row).await?;
    tx.commit().await?;
    app.gate.forget_tenant(tenant).await;
    Ok(())
}
