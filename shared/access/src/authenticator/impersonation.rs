//! Somebody who looks at another person's account (RFC 8693, `act`).

use db::{Actor, ActorKind};
use ids::TenantId;
use web::Problem;

use super::Authenticator;
use crate::{IMPERSONATE, REVALENZ, ReachKind, token::ActClaim};

impl Authenticator {
    /// Whether whoever really acts still may: with a living session of their own, the permission, and as whom the session
    /// that they look into names. So whoever is signed out, demoted or disabled stops looking, too.
    pub(super) async fn may_impersonate(
        &self,
        tenant: TenantId,
        act: ActClaim,
        acting: Actor,
    ) -> Result<bool, Problem> {
        let Some(own) = self.find_live_session(act.tid, act.sid, act.sub).await? else {
            return Ok(false);
        };
        let at_home = match acting.kind {
            ActorKind::Superadmin => act.tid == REVALENZ && own.base_role == "superadmin",
            ActorKind::User => act.tid == tenant,
            ActorKind::ApiKey | ActorKind::System | ActorKind::External => false,
        };
        Ok(at_home
            && acting.id == Some(act.sub.uuid())
            && own.acting.is_none()
            && own.grants.reach(IMPERSONATE) == Some(ReachKind::All))
    }
}
