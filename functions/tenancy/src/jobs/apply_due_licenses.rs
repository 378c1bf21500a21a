//! Applies licences that have begun or ended to the stored projection.
//!
//! Reads do not depend on this job, because they evaluate the upcoming entitlements at their own time. It publishes
//! nothing, because nothing changes for users.

use db::Actor;
use ids::TenantId;
use serde::Serialize;
use web::problem::{self, Result};

use crate::{
    App, licensing,
    store::{tenants, usage},
};

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct AppliedLicenses {
    tenants: u64,
    /// Tenants that failed. The log has the reason, and the next run retries them.
    failed: u64,
}

pub(super) async fn apply_due_licenses(app: &App) -> Result<AppliedLicenses> {
    let mut tx = app.db.begin_unscoped().await?;
    let due = usage::list_tenants_with_due_licenses(&mut tx, app.state.clock().now()).await?;
    tx.commit().await?;
    let mut applied = AppliedLicenses::default();
    for tenant in due {
        // The failure of one tenant must not affect others.
        match apply_to_tenant(app, tenant).await {
            Ok(()) => applied.tenants += 1,
            Err(problem) => {
                tracing::error!(%tenant, code = problem.kind().code, "cannot apply licence");
                applied.failed += 1;
            }
        }
    }
    Ok(applied)
}

async fn apply_to_tenant(app: &App, tenant: TenantId) -> Result<()> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let mut row = tenants::lock_tenant(&mut tx, tenant)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    row.version += 1;
    row.updated_at = now;
    licensing::update_projection(&mut tx, &mut row, now).await?;
    tenants::update_tenant(&mut tx, &row).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_tenant(tenant).await;
    Ok(())
}
