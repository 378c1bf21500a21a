//! Authentication by access token: verifies the signature, then loads session, role and person.

use std::sync::Arc;

use db::{Actor, DbError};
use ids::{SessionId, TenantId, UserId};
use jsonwebtoken::DecodingKey;
use web::{Language, Problem};

use super::{
    Authenticator,
    caches::{SigningKeys, Verified, shared},
    unauthenticated,
};
use crate::{
    Principal, assurance, directory,
    directory::StoredSession,
    opaque,
    token::{self, Claims},
};

impl Authenticator {
    pub(super) async fn authenticate_token(
        &self,
        text: &str,
    ) -> Result<(Principal, Language), Problem> {
        let claims = self.verify_token(text).await?.ok_or_else(unauthenticated)?;
        let live_session = async || {
            self.find_live_session(claims.tid, claims.sid, claims.sub)
                .await
        };
        let mut session = live_session().await?.ok_or_else(unauthenticated)?;
        // The token is newer than the cached session: the person has stepped up, and must not be asked again.
        if session.proved_at.timestamp() < claims.auth_time {
            self.invalidate_session(claims.tid, claims.sid).await;
            session = live_session().await?.ok_or_else(unauthenticated)?;
        }
        let impersonator = match (claims.act, session.acting) {
            (None, None) => None,
            (Some(act), Some(acting)) if self.may_impersonate(claims.tid, act, acting).await? => {
                Some(acting)
            }
            _ => return Err(unauthenticated()),
        };
        let grants = match impersonator {
            None => session.grants.clone(),
            Some(_) => session.grants.clone().masked(),
        };
        let tenant = self.tenant(claims.tid).await?.ok_or_else(unauthenticated)?;
        let language = Language::of_locale(&session.locale).unwrap_or(tenant.language());
        let principal = Principal {
            // An impersonator has authenticated for their own account, and is read-only.
            second_factor_required: impersonator.is_none()
                && assurance::is_factor_required(&tenant, &session.role),
            tenant,
            actor: impersonator.unwrap_or_else(|| Actor::user(session.user)),
            user: Some(session.user),
            api_key: None,
            requests_per_minute: None,
            session: Some(claims.sid),
            locale: session.locale.clone(),
            role: session.role.clone(),
            base_role: session.base_role.clone(),
            amr: session.amr.clone(),
            authenticated_at: Some(session.proved_at),
            second_factor: session.second_factor,
            grants: Arc::new(grants),
            reason: None,
            impersonator,
        };
        Ok((principal, language))
    }

    /// The person's session, unless it has expired or was revoked.
    pub(super) async fn find_live_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        user: UserId,
    ) -> Result<Option<Arc<StoredSession>>, Problem> {
        let load = async {
            Ok::<_, DbError>(
                directory::find_session(&self.db, tenant, session, self.clock.now())
                    .await?
                    .map(Arc::new),
            )
        };
        let session = self
            .caches
            .sessions
            .try_get_with((tenant, session), load)
            .await
            .map_err(shared)?;
        let now = self.clock.now();
        let is_live = |session: &Arc<StoredSession>| {
            session.active
                && session.revoked_at.is_none()
                && session.expires_at > now
                && session.user == user
        };
        Ok(session.filter(is_live))
    }

    async fn verify_token(&self, text: &str) -> Result<Option<Arc<Claims>>, Problem> {
        let now = self.clock.now();
        let fingerprint = opaque::sha256(text.as_bytes());
        let known = self.caches.verified.get(&fingerprint).await;
        let Some(key_id) = known
            .as_ref()
            .map(|known| known.key_id.clone())
            .or_else(|| token::key_id(text).map(Arc::from))
        else {
            return Ok(None);
        };
        let keys = self
            .caches
            .signing_keys
            .try_get_with((), self.load_signing_keys())
            .await
            .map_err(shared)?;
        // Cached tokens are checked too: removing a key invalidates the tokens it signed.
        let Some(key) = keys.0.get(&*key_id) else {
            return Ok(None);
        };
        if let Some(Verified { claims, .. }) = known {
            return Ok(Some(claims).filter(|claims| now.timestamp() < claims.exp));
        }
        let Some(claims) = token::verify(text, key, &self.public_url, now) else {
            return Ok(None);
        };
        let claims = Arc::new(claims);
        self.caches
            .verified
            .insert(
                fingerprint,
                Verified {
                    key_id,
                    claims: claims.clone(),
                },
            )
            .await;
        Ok(Some(claims))
    }

    async fn load_signing_keys(&self) -> Result<Arc<SigningKeys>, DbError> {
        let keys = directory::list_signing_keys(&self.db, self.clock.now()).await?;
        Ok(Arc::new(SigningKeys(
            keys.into_iter()
                .map(|(id, public)| (id, DecodingKey::from_ed_der(&public)))
                .collect(),
        )))
    }
}
