//! The steps of a tenant's life that somebody decides on. The last one, from closing to closed, is a job's.

use access::{Caller, Permission, REVALENZ, TenantStatus, audit};
use axum::extract::State;
use chrono::{DateTime, Utc};
use db::TenantTx;
use events::{Announcement, EventKind};
use ids::TenantId;
use serde_json::json;
use web::{
    Fetched, Line, PathIds, RequestInfo, ValidJson,
    problem::{self, Result},
};

use super::{tenants::Tenant, visit};
use crate::{
    App,
    domain::life_cycle::{GRACE, Step},
    error,
    events::{
        TENANT_CLOSED, TENANT_CLOSING, TENANT_PAST_DUE, TENANT_REACTIVATED, TENANT_SUSPENDED,
    },
    permissions::{TenantClose, TenantSuspend},
    store::{
        directory,
        tenants::{self, TenantRow},
    },
};

web::body! {
    /// Why a tenant takes this step.
    pub struct TakeStep {
        /// In a sentence; the tenant's admins read it.
        pub reason: Line<3, 500>,
    }
    example { "reason": "Invoice 2026-104 is 60 days overdue" }
}

/// Marks a tenant as owing. It works on; its admins get a mail, and every client sees `past_due` in `GET /auth/status`. Only the
/// platform's staff may.
#[utoipa::path(post, path = "/tenants/{id}/past-due", responses((status = 200, description = "The tenant as it is now.", body = Tenant)))]
pub async fn mark_tenant_past_due(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::PastDue, body).await
}

/// Suspends a tenant: within a minute it reads, and changes nothing, on every function; jobs pass it by, and of its mails only
/// those about the security of accounts go out. Only the platform's staff may.
#[utoipa::path(post, path = "/tenants/{id}/suspend", responses((status = 200, description = "The tenant as it is now.", body = Tenant)))]
pub async fn suspend_tenant(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::Suspend, body).await
}

/// Sets a tenant to work: after a trial, a debt, a suspension, or while it is closing. Only the platform's staff may.
#[utoipa::path(post, path = "/tenants/{id}/reactivate", responses((status = 200, description = "The tenant as it is now.", body = Tenant)))]
pub async fn reactivate_tenant(
    State(app): State<App>,
    caller: Caller<TenantSuspend>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    take_step(&app, &caller, id, Step::Reactivate, body).await
}

/// Begins to close a tenant: staff any, admins their own, with a recent proof. For 30 days its admins sign in, read and export;
/// then every credential is refused and its data are erased.
#[utoipa::path(post, path = "/tenants/{id}/close", responses((status = 200, description = "The tenant as it is now; `closes_at` says when its data go.", body = Tenant)))]
pub async fn close_tenant(
    State(app): State<App>,
    caller: Caller<TenantClose>,
    PathIds(id): PathIds<TenantId>,
    ValidJson { value: body, .. }: ValidJson<TakeStep>,
) -> Result<Fetched<Tenant>> {
    caller.check_recent_proof(app.gate.clock().now())?;
    // A script that closes its organisation is a script that went wrong.
    if caller.user.is_none() {
        return Err(problem::FORBIDDEN
            .problem()
            .argument("permission", "tenancy.tenant.close"));
    }
    take_step(&app, &caller, id, Step::Close, body).await
}

async fn take_step<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    id: TenantId,
    step: Step,
    body: TakeStep,
) -> Result<Fetched<Tenant>> {
    let now = app.gate.clock().now();
    // What the header would say stands in the body.
    let mut tx = visit::begin_stating_why(app, caller, id).await?;
    let before = tenants::lock(&mut tx, id)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    if id == REVALENZ {
        return Err(error::PLATFORM_TENANT.problem());
    }
    let status = step.take(before.status).map_err(error::of_step)?;
    let after = TenantRow {
        status,
        status_since: Some(now),
        status_reason: Some(body.reason.into_string()),
        closes_at: (status == TenantStatus::Closing).then(|| now + GRACE),
        version: before.version + 1,
        updated_at: now,
        ..before.clone()
    };
    change_status(&mut tx, caller.request(), &before, &after).await?;
    tx.commit().await?;
    app.gate.forget_tenant(id).await;
    Ok(Fetched(after.into()))
}

/// Stores where a tenant stands from now on, where every function sees it, and tells the others.
pub async fn change_status(
    tx: &mut TenantTx,
    request: &RequestInfo,
    before: &TenantRow,
    after: &TenantRow,
) -> Result<()> {
    let now: DateTime<Utc> = after.updated_at;
    tenants::set_status(tx, after).await?;
    directory::set_status(tx, after).await?;
    let announcement = Announcement {
        kind: kind(after.status),
        subject: format!("tenant/{}", after.id),
        version: after.version.into(),
        data: json!({
            "tenant_id": after.id,
            "from": before.status,
            "status": after.status,
            "closes_at": after.closes_at,
        }),
        sealed: None,
    };
    events::announce(tx, request, now, announcement).await?;
    let entry = audit::Entry::new("tenancy.tenant.status_changed", "tenant", after.id)
        .change("status", before.status.as_str(), after.status.as_str())
        .change("closes_at", json!(before.closes_at), json!(after.closes_at));
    audit::record(tx, request, now, after.status_reason.as_deref(), entry).await?;
    Ok(())
}

fn kind(status: TenantStatus) -> &'static EventKind {
    match status {
        TenantStatus::PastDue => &TENANT_PAST_DUE,
        TenantStatus::Suspended => &TENANT_SUSPENDED,
        TenantStatus::Trial | TenantStatus::Active => &TENANT_REACTIVATED,
        TenantStatus::Closing => &TENANT_CLOSING,
        TenantStatus::Closed => &TENANT_CLOSED,
    }
}
