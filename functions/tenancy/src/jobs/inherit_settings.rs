//! Applies platform settings to every tenant that has not set its own.

use access::directory as access_directory;
use db::Actor;
use events::Run;
use ids::TenantId;
use serde::Serialize;
use web::{Problem, problem::Result};

use crate::{
    App,
    store::{
        directory, platform_settings, settings,
        settings_overrides::{Overrides, settings_json},
        tenants,
    },
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
        let done = update_tenant_settings(app, tenant).await;
        inherited.tenants += u64::from(tenant_loop.record(tenant, done) == Some(true));
    }
    tenant_loop.finish()?;
    Ok(inherited)
}

async fn update_tenant_settings(app: &App, tenant: TenantId) -> Result<bool> {
    let now = app.state.clock().now();
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let Some(mut row) = tenants::lock_tenant(&mut tx, tenant).await? else {
        return Ok(false);
    };
    let overrides = Overrides::of(settings::list_settings(&mut tx).await?, &row.locale);
    let platform = platform_settings::list_platform_settings(&mut tx).await?;
    let in_force = settings_json(&overrides.in_force(&platform).map_err(Problem::internal)?);
    if directory::find_settings(&mut tx).await? == Some(in_force.clone()) {
        return Ok(false);
    }
    row.updated_at = now;
    directory::update_settings(&mut tx, &row, in_force).await?;
    tx.commit().await?;
    app.state.authenticator().invalidate_tenant(tenant).await;
    Ok(true)
}
