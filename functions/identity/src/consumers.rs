//! What this context does about events: with a tenant its people go.

use db::TenantTx;
use events::{ConsumeError, Consumers, erasure::TENANT_CLOSED};

use crate::{App, erasure::ERASURE};

/// The consumers, a line each.
pub(crate) fn all() -> Consumers<App> {
    Consumers::new("identity").on("tenant_closed", &[TENANT_CLOSED], |app, tx, _event| {
        Box::pin(tenant_closed(app, tx))
    })
}

async fn tenant_closed(app: &App, tx: &mut TenantTx) -> Result<(), ConsumeError> {
    Ok(ERASURE.request(tx, app.state.clock().now()).await?)
}
