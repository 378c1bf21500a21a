//! Applies licences that have begun or ended to the stored projection.
//!
//! Reads do not depend on this job, because they evaluate the upcoming entitlements at their own time. It publishes
//! nothing, because nothing changes for users.

use events::UnitOfWork;
use ids::TenantId;
use serde::Serialize;
use web::{
    RequestInfo,
    problem::{self, Result},
};

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

pub(super) async fn apply_due_licenses(
    app: &App,
    request: &RequestInfo,
) -> Result<AppliedLicenses> {
    let mut tx = app.db.begin_unscoped().await?;
    let due = usage::list_tenants_with_due_licenses(&mut tx, app.state.clock().now()).await?;
    tx.commit().await?;
    let mut applied = AppliedLicenses::default();
    for tenant in due {
        // The failure of one tenant must not affect others.
        match apply_to_tenant(app, request, tenant).await {
            Ok(()) => applied.tenants += 1,
            Err(problem) => {
                tracing::error!(%tenant, code = problem.kind().code, "cannot apply licence");
                applied.failed += 1;
            }
        }
    }
    Ok(applied)
}

async fn apply_to_tenant(app: &App, request: &RequestInfo, tenant: TenantId) -> Result<()> {
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let mut row = tenants::lock_tenant(&mut unit, tenant)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    row.version += 1;
    row.updated_at = unit.now();
    licensing::update_projection(&mut unit, &mut row).await?;
    tenants::update_tenant(&mut unit, &row).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(tenant).await;
    Ok(())
}
