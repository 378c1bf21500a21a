//! What has to happen without anybody asking. Each job may run at any time, any number of times, in many processes at once.

mod expire_sessions;
mod expiring_certificates;

pub(crate) use expire_sessions::{Expired, expire_sessions};
pub(crate) use expiring_certificates::{Announced, announce_expiring_certificates};

use ids::TenantId;
use web::problem::Result;

use crate::{App, store::jobs};

async fn tenants(app: &App) -> Result<Vec<TenantId>> {
    let mut tx = app.db.begin_unscoped().await?;
    let tenants = jobs::list_tenants(&mut tx).await?;
    tx.commit().await?;
    Ok(tenants)
}
