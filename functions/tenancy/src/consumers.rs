//! The events that this context consumes: a closed tenant's rows are erased.

use db::TenantTx;
use events::{ConsumeError, Consumers, erasure::TENANT_CLOSED};

use crate::{App, NAME, erasure::ERASURE};

/// All consumers.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new(NAME).on("tenant_closed", &[TENANT_CLOSED], |app, tx, _event| {
        Box::pin(tenant_closed(app, tx))
    })
}

async fn tenant_closed(app: &App, tx: &mut TenantTx) -> Result<(), ConsumeError> {
    Ok(ERASURE.request(tx, app.state.clock().now()).await?)
}
