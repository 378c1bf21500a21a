//! The way in which every sign-in begins and ends: the page of the client is checked first; in the end comes the second factor, if
//! the user has one, or a session with its tokens.

use std::sync::Arc;

use access::{Reach, Tenant, audit, token::Signer};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use db::{Actor, TenantTx};
use events::UnitOfWork;
use ids::{SessionId, UserId};
use web::{SingleLine, problem::Result};

use super::{
    client::Client,
    first_factor::{AuthMethod, require_second_factor},
};
use crate::{
    domain::{device, status::UserStatus, tenant_rules},
    events::SessionNewDevice,
    http::{
        sessions::session::{SessionGrant, user_agent},
        tenant::{check_sign_in_allowed, set_caller},
    },
    store::{
        accounts, second_factors,
        sessions::{self, NewSession},
        users::{self, UserRow},
    },
};

impl<'a> Client<'a> {
    /// Begins the sign-in to an open tenant, before anything is written: without a signing key, no session can be created.
    pub(crate) async fn sign_in_to(self, tenant: Arc<Tenant>) -> Result<SignIn<'a>> {
        let signer = self.app.signer().await?;
        Ok(SignIn {
            client: self,
            tenant,
            signer,
        })
    }
}

/// A sign-in to a tenant.
pub(crate) struct SignIn<'a> {
    pub(crate) client: Client<'a>,
    pub(crate) tenant: Arc<Tenant>,
    signer: Arc<Signer>,
}

/// What the user has proved.
#[derive(Debug)]
pub(crate) enum Authentication {
    /// The first factor.
    FirstFactor(AuthMethod),
    /// All factors, with the authentication methods.
    AllFactors(Vec<String>),
}

impl SignIn<'_> {
    /// Begins the unit of work that uses the proof.
    pub(crate) async fn begin(&self, actor: Actor) -> Result<UnitOfWork> {
        let client = &self.client;
        UnitOfWork::begin_anonymous(client.app, client.request, self.tenant.id, actor).await
    }

    /// Finds the user, who is then known as the caller of the request. `None` if the account is not active.
    pub(crate) async fn load_user(
        &self,
        tx: &mut TenantTx,
        user: UserId,
    ) -> Result<Option<UserRow>> {
        let user = users::find_user(tx, Reach::All, user, false)
            .await?
            .filter(|user| user.status == UserStatus::Active);
        if let Some(user) = &user {
            set_caller(self.client.request, &self.tenant, user.id, &user.locale);
        }
        Ok(user)
    }

    /// Ends the sign-in in the unit of work that used the proof. The account is locked, or was changed by this unit of work, so that
    /// concurrent changes of it end the new session as well.
    pub(crate) async fn finish(
        &self,
        mut unit: UnitOfWork,
        user: UserRow,
        authentication: Authentication,
    ) -> Result<Response> {
        let app = self.client.app;
        let amr = match authentication {
            Authentication::AllFactors(amr) => amr,
            Authentication::FirstFactor(method) => {
                let factors = second_factors::find_factors(&mut unit, user.id).await?;
                if factors.has_any() {
                    let required =
                        require_second_factor(&self.client, &mut unit, user.id, method, factors)
                            .await?;
                    unit.commit().await?;
                    return Ok(Json(required).into_response());
                }
                method.to_amr()
            }
        };
        let now = unit.now();
        let grant = self.open_session(&mut unit, user, amr).await?;
        let session = grant.refresh.session;
        unit.audit(audit::Entry::new(
            "identity.session.started",
            "session",
            session,
        ))
        .await?;
        unit.commit().await?;
        grant.into_response(app, &self.signer, self.client.device.mode, now)
    }

    async fn open_session(
        &self,
        unit: &mut UnitOfWork,
        mut user: UserRow,
        amr: Vec<String>,
    ) -> Result<SessionGrant> {
        let (app, tenant, now) = (self.client.app, &self.tenant, unit.now());
        check_sign_in_allowed(unit, tenant, user.role_id).await?;
        let refresh = app
            .refresh_tokens
            .issue_first(tenant.id, SessionId::at(now));
        let expires_at = tenant_rules::session_end(tenant, now, now);
        let device_name = self.client.device.name.as_ref().map(SingleLine::as_str);
        let agent = user_agent(self.client.headers);
        let device_hash = device::fingerprint(agent, device_name);
        if sessions::is_new_device(unit, user.id, &device_hash).await? {
            let event = SessionNewDevice {
                user_id: user.id,
                session_id: refresh.session,
                device: device::describe(agent),
            };
            unit.publish(0, event).await?;
        }
        let address = self.client.request.address();
        let new = NewSession {
            id: refresh.session,
            user: user.id,
            refresh_hash: refresh.hash(),
            amr: &amr,
            device_name,
            user_agent: agent,
            device_hash,
            address: address.map(|address| address.to_string()),
            expires_at,
        };
        sessions::insert_session(unit, &new).await?;
        // Writes nothing in most cases: see `touch_last_seen`.
        accounts::touch_last_seen(unit, user.id).await?;
        user.last_seen_at = user.last_seen_at.max(Some(now));
        Ok(SessionGrant {
            tenant: tenant.clone(),
            user,
            refresh,
            amr,
            authenticated_at: now,
            expires_at,
        })
    }
}
