//! Determines the tenant of callers who are not signed in yet.

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

/// An identifier that no tenant has: queries for it cost the same and find nothing.
pub(crate) const NIL_TENANT: TenantId = TenantId::from_uuid(Uuid::nil());

/// The tenant named in the body, otherwise the one that the page's or host's domain belongs to. `None` if the slug is unknown;
/// refused if there is nothing to determine the tenant from.
pub(crate) async fn find_tenant(
    app: &App,
    headers: &HeaderMap,
    slug: Option<&Slug>,
) -> Result<Option<Arc<Tenant>>> {
    let id = match slug {
        Some(slug) => directory::find_tenant_by_slug(&app.db, slug.as_str()).await?,
        None => Some(
            find_tenant_by_origin(app, headers)
                .await?
                .ok_or_else(|| Problem::field("/tenant", FieldCode::Required))?,
        ),
    };
    match id {
        Some(id) => app.state.authenticator().tenant(id).await,
        None => Ok(None),
    }
}

/// The key for counting attempts: the tenant, or the unknown slug.
pub(crate) fn throttle_key(tenant: Option<&Tenant>, slug: Option<&Slug>) -> String {
    match tenant {
        Some(tenant) => tenant.id.to_string(),
        None => slug
            .map(|slug| slug.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// Finds a tenant that is not closed.
pub(crate) async fn find_open_tenant(app: &App, id: TenantId) -> Result<Option<Arc<Tenant>>> {
    let tenant = app.state.authenticator().tenant(id).await?;
    Ok(tenant.filter(|tenant| tenant.status != TenantStatus::Closed))
}

/// Refuses users who may not sign in given the tenant's status. Only authenticated users get this answer.
pub(crate) async fn check_sign_in_allowed(
    tx: &mut TenantTx,
    tenant: &Tenant,
    role: RoleId,
) -> Result<()> {
    if tenant.status != TenantStatus::Closing {
        return Ok(());
    }
    let role = roles::find_role(tx, role).await?;
    if role.is_some_and(|role| tenant_rules::allows_sign_in(tenant, &role.base_role)) {
        Ok(())
    } else {
        Err(problem::TENANT_SUSPENDED.problem())
    }
}

/// Refuses to add users to a read-only tenant. Only holders of a valid link get this answer.
pub(crate) fn check_writable(tenant: &Tenant) -> Result<()> {
    if tenant.is_frozen() {
        Err(problem::TENANT_SUSPENDED.problem())
    } else {
        Ok(())
    }
}

async fn find_tenant_by_origin(app: &App, headers: &HeaderMap) -> Result<Option<TenantId>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) = text(header::ORIGIN)
        && let Some(tenant) = app.state.authenticator().tenant_of_origin(origin).await?
    {
        return Ok(Some(tenant));
    }
    match text(header::HOST) {
        Some(host) => {
            // RFC 9110, 4.2.3: case and the default port make no difference; the final dot only says that the name is complete.
            let host = host.to_ascii_lowercase();
            let host = host.strip_suffix(":443").unwrap_or(&host);
            let host = host.strip_suffix('.').unwrap_or(host);
            app.state
                .authenticator()
                .tenant_of_origin(&format!("https://{host}"))
                .await
        }
        None => Ok(None),
    }
}

/// Sets the caller of the request, for the log and the language of the response.
pub(crate) fn set_caller(request: &web::RequestInfo, tenant: &Tenant, user: UserId, locale: &str) {
    request.set_caller(web::request::CallerInfo {
        tenant: tenant.id,
        actor: db::Actor::user(user).to_string(),
        language: web::Language::of_locale(locale).unwrap_or(tenant.language()),
    });
}
