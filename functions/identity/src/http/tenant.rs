//! For which tenant somebody comes who is not signed in yet.

use std::sync::Arc;

use access::{Tenant, TenantStatus, directory};
use db::TenantTx;
use http::{HeaderMap, header};
use ids::{RoleId, TenantId, UserId};
use uuid::Uuid;
use web::{
    Problem, Slug,
    problem::{self, FieldCode, Result},
};

use crate::{App, domain::tenant_rules, store::roles};

/// No tenant has this identifier: what is asked of it costs the same and finds nothing.
pub(crate) const NOBODYS: TenantId = TenantId::from_uuid(Uuid::nil());

/// The tenant that the body names, else the one to which the page or the host belongs. `None` when there is no such slug;
/// refused when nothing tells.
pub(crate) async fn find_tenant(
    app: &App,
    headers: &HeaderMap,
    slug: Option<&Slug>,
) -> Result<Option<Arc<Tenant>>> {
    let id = match slug {
        Some(slug) => directory::find_tenant_by_slug(&app.db, slug.as_str()).await?,
        None => Some(
            by_origin(app, headers)
                .await?
                .ok_or_else(|| Problem::field("/tenant", FieldCode::Required))?,
        ),
    };
    match id {
        Some(id) => app.state.authenticator().tenant(id).await,
        None => Ok(None),
    }
}

/// What attempts are counted by: the tenant, or the slug that nobody has.
pub(crate) fn place(tenant: Option<&Tenant>, slug: Option<&Slug>) -> String {
    match tenant {
        Some(tenant) => tenant.id.to_string(),
        None => slug
            .map(|slug| slug.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// A tenant that is not gone for good.
pub(crate) async fn find_living(app: &App, id: TenantId) -> Result<Option<Arc<Tenant>>> {
    let tenant = app.state.authenticator().tenant(id).await?;
    Ok(tenant.filter(|tenant| tenant.status != TenantStatus::Closed))
}

/// Refuses somebody whom the tenant does not let in where it stands. Whoever hears it has proved who they are.
pub(crate) async fn check_let_in(tx: &mut TenantTx, tenant: &Tenant, role: RoleId) -> Result<()> {
    if tenant.status != TenantStatus::Closing {
        return Ok(());
    }
    let role = roles::find_role(tx, role).await?;
    if role.is_some_and(|role| tenant_rules::lets_in(tenant, &role.base_role)) {
        Ok(())
    } else {
        Err(problem::TENANT_SUSPENDED.problem())
    }
}

/// Refuses what would add somebody to a tenant that can only be read. Whoever hears it has a link that is good.
pub(crate) fn check_changeable(tenant: &Tenant) -> Result<()> {
    if tenant.is_frozen() {
        Err(problem::TENANT_SUSPENDED.problem())
    } else {
        Ok(())
    }
}

async fn by_origin(app: &App, headers: &HeaderMap) -> Result<Option<TenantId>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text(header::ORIGIN)
        && let Some(tenant) = app.state.authenticator().tenant_of_origin(origin).await?
    {
        return Ok(Some(tenant));
    }
    match text(header::HOST) {
        Some(host) => app.state.authenticator().tenant_of_origin(&format!("https://{host}")).await,
        None => Ok(None),
    }
}

/// Tells the log and the language of the answer who it is.
pub(crate) fn introduce(request: &web::RequestInfo, tenant: &Tenant, user: UserId, locale: &str) {
    request.set_caller(web::request::CallerInfo {
        tenant: tenant.id,
        actor: db::Actor::user(user).to_string(),
        language: web::Language::of_locale(locale).unwrap_or(tenant.language()),
    });
}
