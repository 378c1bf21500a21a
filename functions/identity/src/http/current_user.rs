//! The user who makes a request, with their session and the tenant in which both are stored.

use access::{Caller, Permission, Principal, REVALENZ};
use db::{Actor, TenantTx};
use events::UnitOfWork;
use ids::{SessionId, TenantId, UserId};
use web::problem::Result;

use access::problems::NOT_A_PERSON;

use crate::App;

/// The signed-in user in their home tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrentUser {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl CurrentUser {
    /// Refuses API keys: they have neither a profile nor a session.
    pub(crate) fn from_caller(caller: &Principal) -> Result<Self> {
        let (user, session) = caller.user.zip(caller.session).ok_or(&NOT_A_PERSON)?;
        Ok(Self {
            tenant: home_tenant(caller),
            user,
            session,
        })
    }

    /// Begins a change of the own account.
    pub(crate) async fn begin<P: Permission>(
        self,
        app: &App,
        caller: &Caller<P>,
    ) -> Result<UnitOfWork> {
        UnitOfWork::begin_in(app, caller, self.tenant, Actor::user(self.user)).await
    }

    /// Begins to read the own account.
    pub(crate) async fn begin_read_only(self, app: &App) -> Result<TenantTx> {
        Ok(app
            .begin_read_only(self.tenant, Actor::user(self.user))
            .await?)
    }
}

/// The tenant that stores the caller's account and session. Platform staff keep theirs in their own tenant, whichever tenant
/// they act in.
pub(crate) fn home_tenant(principal: &Principal) -> TenantId {
    if principal.is_superadmin() {
        REVALENZ
    } else {
        principal.tenant.id
    }
}
