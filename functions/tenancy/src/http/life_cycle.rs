//! The steps of a tenant's life cycle that people decide on. The job `close-tenants` takes the last one, from closing
//! to closed.

use access::{Caller, Permission, REVALENZ, TenantStatus, audit};
use axum::extract::State;
use events::UnitOfWork;
use ids::TenantId;
use serde_json::json;
use web::{
    Fetched, PathIds, SingleLine, ValidJson,
    problem::{self, Result},
};

use super::{tenant_scope, tenants::Tenant};
use crate::{
    App,
    domain::life_cycle::{CLOSING_GRACE_PERIOD, Step},
    error,
    events::{TenantClosed, TenantClosing, TenantPastDue, TenantReactivated, TenantSuspended},
    permissions::{TenantClose, TenantSuspend},
    store::{
        directory,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// The reason for a change of status.
    pub struct TakeStep {
        /// The reason, in a sentence. The tenant's admins can read it.
        pub reason: SingleLine<3, 500>,
    }
    example { "reason": "Invoice 2026-104 is 60 days overdue" }
}

/// Mark a tenant as past due
///
/// The tenant keeps working. Its admins are notified by email, and `GET /auth/status` returns `past_due` to its users.
/// Platform staff only.
#[utoipa::path(post, path = "/tenants/{id}/past-due", responses((status = 200, description = "The updated tenant.", body = Tenant)))]
pub(crate) async fn mark_tenant_past_due(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::PastDue, body).await
}

/// Suspend a tenant
///
/// Within a minute the tenant becomes read-only in all functions. Jobs skip it, and only emails about account security
/// are sent. Platform staff only.
#[utoipa::path(post, path = "/tenants/{id}/suspend", responses((status = 200, description = "The updated tenant.", body = Tenant)))]
pub(crate) async fn suspend_tenant(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::Suspend, body).await
}

/// Reactivate a tenant
///
/// Ends a trial, a past-due status or a suspension, or cancels a pending closure. The tenant becomes active. Platform
/// staff only.
#[utoipa::path(post, path = "/tenants/{id}/reactivate", responses((status = 200, description = "The updated tenant.", body = Tenant)))]
pub(crate) async fn reactivate_tenant(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::Reactivate, body).await
}

/// Close a tenant
///
/// Starts the closure of a tenant. For 30 days its admins can sign in, read and export; then all credentials are
/// refused and the data is erased. Platform staff can close any tenant, admins their own. Requires recent
/// authentication.
#[utoipa::path(post, path = "/tenants/{id}/close", responses((status = 200, description = "The updated tenant. Its data is erased at `closes_at`.", body = Tenant)))]
pub(crate) async fn close_tenant(
    State(app): State<App>,
    caller: Caller<TenantClose>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::Close, body).await
}

async fn take_step<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    id: TenantId,
    step: Step,
    body: TakeStep,
) -> Result<Fetched<Tenant>> {
    // The reason is in the body instead of the `X-Reason` header.
    let reason = body.reason.into_string();
    let mut unit = tenant_scope::begin_with_reason(app, caller, id, reason.clone()).await?;
    let before = tenants::lock_tenant(&mut unit, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if id == REVALENZ {
        return Err(error::PLATFORM_TENANT.problem());
    }
    let now = unit.now();
    let status = step.take(before.status).map_err(error::step_not_possible)?;
    let after = TenantRow {
        status,
        status_since: Some(now),
        status_reason: Some(reason),
        closes_at: (status == TenantStatus::Closing).then(|| now + CLOSING_GRACE_PERIOD),
        version: before.version + 1,
        updated_at: now,
        ..before.clone()
    };
    change_status(&mut unit, &before, &after).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(id).await;
    Ok(Fetched(after.into()))
}

/// Stores the new status of a tenant, for this context and for all functions, and publishes the change.
pub(crate) async fn change_status(
    unit: &mut UnitOfWork,
    before: &TenantRow,
    after: &TenantRow,
) -> Result<()> {
    tenants::update_tenant_status(unit, after).await?;
    directory::update_status(unit, after).await?;
    publish_status(unit, before.status, after).await?;
    let entry = audit::Entry::new("tenancy.tenant.status_changed", "tenant", after.id)
        .change("status", before.status.as_str(), after.status.as_str())
        .change("closes_at", json!(before.closes_at), json!(after.closes_at));
    unit.audit(entry).await?;
    Ok(())
}

/// Publishes the event of the new status.
async fn publish_status(unit: &mut UnitOfWork, from: TenantStatus, row: &TenantRow) -> Result<()> {
    // Five events with the same data.
    macro_rules! publish {
        ($event:ident) => {{
            let event = $event {
                tenant_id: row.id,
                from,
                status: row.status,
                closes_at: row.closes_at,
            };
            unit.publish(row.version, event).await?
        }};
    }
    match row.status {
        TenantStatus::PastDue => publish!(TenantPastDue),
        TenantStatus::Suspended => publish!(TenantSuspended),
        TenantStatus::Trial | TenantStatus::Active => publish!(TenantReactivated),
        TenantStatus::Closing => publish!(TenantClosing),
        TenantStatus::Closed => publish!(TenantClosed),
    };
    Ok(())
}
