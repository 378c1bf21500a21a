//! Applies platform settings to every tenant that has not set its own.

use access::directory as access_directory;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::{RequestInfo, problem::Result};

use crate::{
    App,
    store::{directory, platform_settings, settings, settings_overrides::Overrides, tenants},
};

/// The result of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Inherited {
    pub(crate) tenants: u64,
}

/// Updates the stored settings of every active tenant that differ from those in force.
pub(crate) async fn inherit_settings(app: &App, run: &Run) -> Result<Inherited> {
    let mut inherited = Inherited::default();
    let mut tenant_loop = run.tenant_loop(access_directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let done = update_tenant_settings(app, &run.request, tenant).await;
        inherited.tenants += u64::from(tenant_loop.record(tenant, done) == Some(true));
    }
    tenant_loop.finish()?;
    Ok(inherited)
}

async fn update_tenant_settings(
    app: &App,
    request: &RequestInfo,
    tenant: TenantId,
) -> Result<bool> {
    let mut unit = UnitOfWork::begin_step(app, request, tenant).await?;
    let Some(mut row) = tenants::lock_tenant(&mut unit, tenant).await? else {
        return Ok(false);
    };
    let overrides = Overrides::of(settings::list_settings(&mut unit).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut unit).await?;
    let in_force = overrides.in_force(&platform).into_json();
    if directory::find_settings(&mut unit).await? == Some(in_force.clone()) {
        return Ok(false);
    }
    row.updated_at = unit.now();
    directory::update_settings(&mut unit, &row, in_force).await?;
    unit.commit().await?;
    app.state.authenticator().invalidate_tenant(tenant).await;
    Ok(true)
}
