//! Impersonation: viewing another person's account (RFC 8693, `act`).

use db::{Actor, ActorKind};
use ids::TenantId;
use web::Problem;

use super::Authenticator;
use crate::{IMPERSONATE, REVALENZ, ReachKind, token::ActClaim};

impl Authenticator {
    /// Whether the impersonator still may impersonate: they need a live session of their own and the permission, and must be
    /// the actor of the impersonating session. Signing out, a role change or disabling them ends the impersonation.
    pub(super) async fn may_impersonate(
        &self,
        tenant: TenantId,
        act: ActClaim,
        acting: Actor,
    ) -> Result<bool, Problem> {
        let Some(own) = self.find_live_session(act.tid, act.sid, act.sub).await? else {
            return Ok(false);
        };
        let is_own_tenant = match acting.kind {
            ActorKind::Superadmin => act.tid == REVALENZ && own.base_role == "superadmin",
            ActorKind::User => act.tid == tenant,
            ActorKind::ApiKey | ActorKind::System | ActorKind::External => false,
        };
        Ok(is_own_tenant
            && acting.id == Some(act.sub.uuid())
            && own.acting.is_none()
            && own.grants.reach(IMPERSONATE) == Some(ReachKind::All))
    }
}
