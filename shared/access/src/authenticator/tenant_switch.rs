//! Platform staff acting in a customer's tenant.

use db::Actor;
use http::HeaderMap;
use ids::TenantId;
use web::{Problem, RequestInfo, problem};

use super::Authenticator;
use crate::{Principal, audit, problems};

impl Authenticator {
    /// Handles `X-Tenant-Id` with `X-Reason`: switches to the customer's tenant, and records that in its audit log first. The
    /// headers are ignored for other callers.
    pub(super) async fn switch_tenant(
        &self,
        principal: &mut Principal,
        headers: &HeaderMap,
        request: &RequestInfo,
    ) -> Result<(), Problem> {
        let reason = headers
            .get("x-reason")
            .map(|reason| {
                web::SingleLine::<3, 500>::parse(&String::from_utf8_lossy(reason.as_bytes()))
            })
            .transpose()
            .map_err(|_| problems::REASON_REQUIRED.problem())?
            .map(web::SingleLine::into_string);
        principal.reason.clone_from(&reason);
        let Some(wanted) = headers.get("x-tenant-id") else {
            return Ok(());
        };
        let wanted: TenantId = wanted
            .to_str()
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                problem::INVALID_HEADER
                    .problem()
                    .argument("header", "X-Tenant-Id")
            })?;
        if reason.is_none() {
            return Err(problems::REASON_REQUIRED.problem());
        }
        let tenant = self
            .tenant(wanted)
            .await?
            .ok_or_else(|| problem::NOT_FOUND.problem())?;
        if let Some(user) = principal.user {
            principal.actor = Actor::superadmin(user);
        }
        principal.tenant = tenant;
        let mut tx = self
            .db
            .begin(wanted, principal.actor, self.clock.now())
            .await?;
        let entry = audit::Entry::new("access.tenant.entered", "tenant", wanted.to_string())
            .change(
                "request",
                serde_json::Value::Null,
                format!("{} {}", request.method(), request.path()),
            );
        audit::record(
            &mut tx,
            request,
            self.clock.now(),
            principal.reason.as_deref(),
            entry,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
