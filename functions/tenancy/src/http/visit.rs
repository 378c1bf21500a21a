//! Whose tenant a path below `/tenants/{id}` means: the caller's own, or for the platform's staff any.
//!
//! Staff is a person with the role superadmin, signed in to `revalenz` and not switched by `X-Tenant-Id` (then it works on
//! that tenant alone). Its transaction is bound to the tenant that it visits, like any other's to its own, and whatever it
//! does there, reading too, stands in that tenant's audit log, changes with the reason that it has to state.

use access::{Caller, Permission, REVALENZ, TenantStatus, audit, problems::REASON_REQUIRED};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use http::Method;
use ids::TenantId;
use web::problem::{self, Result};

use crate::{App, store::tenants};

/// Whether the caller reaches all tenants.
pub fn is_staff<P: Permission>(caller: &Caller<P>) -> bool {
    caller.is_superadmin() && caller.user.is_some() && caller.tenant.id == REVALENZ
}

/// Opens a transaction on the tenant `wanted` for staff, and for everybody else on their own: there `wanted` is found or not.
/// Staff that changes something there says why, and changes nothing in a closed one.
pub async fn begin<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<TenantTx> {
    let reads = matches!(*caller.request().method(), Method::GET | Method::HEAD);
    if visits(caller, wanted) && !reads {
        if caller.reason.is_none() {
            return Err(REASON_REQUIRED.problem());
        }
        // What is written after the end would stay when everything else has been erased.
        let tenant = app.gate.tenant(wanted).await?;
        if tenant.is_some_and(|tenant| tenant.status == TenantStatus::Closed) {
            return Err(problem::TENANT_SUSPENDED.problem());
        }
    }
    begin_stating_why(app, caller, wanted).await
}

/// The same for a request that says in its body why.
pub async fn begin_stating_why<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<TenantTx> {
    match caller.user {
        Some(user) if visits(caller, wanted) => {
            Ok(app.db.begin(wanted, Actor::superadmin(user)).await?)
        }
        _ => caller.begin(&app.db).await,
    }
}

/// The same as [`begin`] for what belongs to the tenant and is not found without it.
pub async fn begin_on<P: Permission>(
    app: &App,
    caller: &Caller<P>,
    wanted: TenantId,
) -> Result<TenantTx> {
    let mut tx = begin(app, caller, wanted).await?;
    tenants::find(&mut tx, wanted)
        .await?
        .ok_or(&problem::NOT_FOUND)?;
    Ok(tx)
}

/// Writes into the log of a visited tenant that staff has read there; reading at home is not worth a line.
pub async fn note_reading<P: Permission>(
    tx: &mut TenantTx,
    caller: &Caller<P>,
    wanted: TenantId,
    what: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    if visits(caller, wanted) {
        let entry = audit::Entry::new("tenancy.tenant.read_by_superadmin", what, wanted);
        audit::record(tx, caller.request(), now, caller.reason.as_deref(), entry).await?;
    }
    Ok(())
}

fn visits<P: Permission>(caller: &Caller<P>, wanted: TenantId) -> bool {
    is_staff(caller) && wanted != caller.tenant.id
}
