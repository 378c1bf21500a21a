//! Brings what the platform has set to every tenant that has not chosen for itself.

use access::directory as known;
use db::Actor;
use events::Run;
use ids::TenantId;
use serde::Serialize;
use web::{Problem, problem::Result};

use crate::{
    App,
    domain::settings::Overrides,
    store::{directory, platform_settings, settings, tenants},
};

/// How many tenants follow.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Inherited {
    pub(crate) tenants: u64,
}

/// Renews the mirror of every working tenant for which other settings are in force than it says.
pub(crate) async fn inherit_settings(app: &App, run: &Run) -> Result<Inherited> {
    let mut inherited = Inherited::default();
    let mut visits = run.visits(known::working_tenants(&app.db).await?);
    while let Some(tenant) = visits.next_tenant() {
        let done = follow(app, tenant).await;
        inherited.tenants += u64::from(visits.saw(tenant, done) == Some(true));
    }
    visits.end()?;
    Ok(inherited)
}

async fn follow(app: &App, tenant: TenantId) -> Result<bool> {
    let now = app.gate.clock().now();
    let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
    let Some(mut row) = tenants::lock(&mut tx, tenant).await? else {
        return Ok(false);
    };
    let overrides = Overrides::of(settings::list(&mut tx).await?, &row.locale);
    let platform = platform_settings::list(&mut tx).await?;
    let mirror = overrides
        .in_force(&platform)
        .map_err(Problem::internal)?
        .mirror();
    if directory::settings(&mut tx).await? == Some(mirror.clone()) {
        return Ok(false);
    }
    row.updated_at = now;
    directory::set_settings(&mut tx, &row, mirror).await?;
    tx.commit().await?;
    app.gate.forget_tenant(tenant).await;
    Ok(true)
}
