//! Event consumers: a closed tenant's tickets are scheduled for erasure.

use db::TenantTx;
use events::{ConsumeError, Consumers, erasure::TENANT_CLOSED};

use crate::{App, erasure::ERASURE};

/// All consumers of this function.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("support").on("tenant_closed", &[TENANT_CLOSED], |app, tx, _event| {
        Box::pin(tenant_closed(app, tx))
    })
}

async fn tenant_closed(app: &App, tx: &mut TenantTx) -> Result<(), ConsumeError> {
    Ok(ERASURE.request(tx, app.state.clock().now()).await?)
}
