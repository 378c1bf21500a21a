//! The tenant that a path under `/tenants/{id}` refers to: the caller's own, or any tenant for platform staff.
//!
//! Platform staff are users with the role superadmin who are signed in to `revalenz` and have not switched tenants with
//! `X-Tenant-Id` (after switching, they work on that tenant only). Their transaction is bound to the tenant in the
//! path. Everything they do there, including reads, is recorded in that tenant's audit log; changes require a reason.

use access::{Caller, Permission, REVALENZ, TenantStatus, audit, problems::REASON_REQUIRED};
use db::Actor;
use events::UnitOfWork;
use http::Method;
use ids::TenantId;
use web::problem::{self, Result};

use crate::{App, store::tenants};

/// Whether the caller can access all tenants.
pub(crate) fn is_staff<P: Permission>(caller: &Caller<P>) -> bool {
    caller.is_superadmin() && caller.user.is_some() && caller.tenant.id == REVALENZ
}

/// Begins on the tenant `wanted` for staff, and on their own tenant for everyone else, where `wanted` is found or not. To
/// change another tenant, staff must state a reason, and the tenant must not be closed.
pub(crate) async fn begin_for_tenant<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<UnitOfWork> {
    let is_read = matches!(*caller.request().method(), Method::GET | Method::HEAD);
    if is_staff(caller) && wanted != caller.tenant.id && !is_read {
        if caller.reason.is_none() {
            return Err(REASON_REQUIRED.problem());
        }
        // The data of a closed tenant is erased once; anything written later would remain.
        let tenant = app.state.authenticator().tenant(wanted).await?;
        if tenant.is_some_and(|tenant| tenant.status == TenantStatus::Closed) {
            return Err(problem::TENANT_SUSPENDED.problem());
        }
    }
    begin(app, caller, wanted).await
}

/// Like [`begin_for_tenant`], for requests that state the reason in their body. The tenant may be closed.
pub(crate) async fn begin_with_reason<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
    reason: String,
) -> Result<UnitOfWork> {
    Ok(begin(app, caller, wanted).await?.with_reason(Some(reason)))
}

/// Like [`begin_for_tenant`], and refuses a tenant that is not found.
pub(crate) async fn begin_for_existing_tenant<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<UnitOfWork> {
    let mut unit = begin_for_tenant(app, caller, wanted).await?;
    tenants::find_tenant(&mut unit, wanted)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    Ok(unit)
}

/// Records in the audit log of another tenant that staff has read there. Reads in one's own tenant are not recorded.
pub(crate) async fn audit_staff_read<P: Permission>(
    unit: &mut UnitOfWork,
    caller: &Caller<P>,
    what: &'static str,
) -> Result<()> {
    let tenant = unit.tenant();
    if tenant != caller.tenant.id {
        let entry = audit::Entry::new("tenancy.tenant.read_by_superadmin", what, tenant);
        unit.audit(entry).await?;
    }
    Ok(())
}

async fn begin<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<UnitOfWork> {
    match caller.user {
        Some(user) if is_staff(caller) && wanted != caller.tenant.id => {
            UnitOfWork::begin_in(app, caller, wanted, Actor::superadmin(user)).await
        }
        _ => UnitOfWork::begin(app, caller).await,
    }
}
