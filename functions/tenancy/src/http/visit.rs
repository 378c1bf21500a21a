//! Whose tenant a path below `/tenants/{id}` means: the caller's own, or for the platform's staff any.
//!
//! Staff is a person with the role superadmin, signed in to `revalenz` and not switched by `X-Tenant-Id` (then it works on
//! that tenant alone). Its transaction is bound to the tenant that it visits, like any other's to its own, and whatever it
//! does there, reading too, stands in that tenant's audit log.

use access::{Caller, Permission, REVALENZ, audit};
use chrono::{DateTime, Utc};
use db::{Actor, TenantTx};
use ids::TenantId;
use web::problem::Result;

use crate::App;

/// Whether the caller reaches all tenants.
pub fn is_staff<P: Permission>(caller: &Caller<P>) -> bool {
    caller.is_superadmin() && caller.user.is_some() && caller.tenant.id == REVALENZ
}

/// Opens a transaction on the tenant `wanted` for staff, and for everybody else on their own: there `wanted` is found or not.
pub async fn begin<P: Permission>(
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
