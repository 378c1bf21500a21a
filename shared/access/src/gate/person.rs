//! A person with an access token: its signature, then the session, the role and the person behind it.

use std::sync::Arc;

use db::{Actor, DbError};
use ids::{SessionId, TenantId, UserId};
use jsonwebtoken::DecodingKey;
use web::{Language, Problem};

use super::{
    Gate,
    caches::{SigningKeys, Verified, shared},
    unauthenticated,
};
use crate::{
    Principal, directory,
    directory::Standing,
    opaque, proof,
    token::{self, Claims},
};

impl Gate {
    pub(super) async fn person(&self, text: &str) -> Result<(Principal, Language), Problem> {
        let claims = self.claims(text).await?.ok_or_else(unauthenticated)?;
        let living = async || self.living(claims.tid, claims.sid, claims.sub).await;
        let mut standing = living().await?.ok_or_else(unauthenticated)?;
        // Proved again since it was remembered, and the client has the token that says so: it must not be asked once more.
        if standing.proved_at.timestamp() < claims.auth_time {
            self.forget_session(claims.tid, claims.sid).await;
            standing = living().await?.ok_or_else(unauthenticated)?;
        }
        let impersonator = match (claims.act, standing.acting) {
            (None, None) => None,
            (Some(act), Some(acting)) if self.may_act(claims.tid, act, acting).await? => {
                Some(acting)
            }
            _ => return Err(unauthenticated()),
        };
        let grants = match impersonator {
            None => standing.grants.clone(),
            Some(_) => standing.grants.clone().masked(),
        };
        let tenant = self.tenant(claims.tid).await?.ok_or_else(unauthenticated)?;
        let language = Language::of_locale(&standing.locale).unwrap_or(tenant.language());
        let principal = Principal {
            // Who looks at somebody's account has proved their own, and can change nothing.
            second_factor_required: impersonator.is_none()
                && proof::is_factor_required(&tenant, &standing.role),
            tenant,
            actor: impersonator.unwrap_or_else(|| Actor::user(standing.user)),
            user: Some(standing.user),
            api_key: None,
            requests_per_minute: None,
            session: Some(claims.sid),
            locale: standing.locale.clone(),
            role: standing.role.clone(),
            base_role: standing.base_role.clone(),
            amr: standing.amr.clone(),
            proved_at: Some(standing.proved_at),
            second_factor: standing.second_factor,
            grants: Arc::new(grants),
            reason: None,
            impersonator,
        };
        Ok((principal, language))
    }

    /// The session of this person, as long as it lives.
    pub(super) async fn living(
        &self,
        tenant: TenantId,
        session: SessionId,
        user: UserId,
    ) -> Result<Option<Arc<Standing>>, Problem> {
        let load = async {
            Ok::<_, DbError>(
                directory::find_standing(&self.0.db, tenant, session)
                    .await?
                    .map(Arc::new),
            )
        };
        let standing = self
            .0
            .caches
            .standings
            .try_get_with((tenant, session), load)
            .await
            .map_err(shared)?;
        let now = self.0.clock.now();
        let lives = |standing: &Arc<Standing>| {
            standing.active
                && standing.revoked_at.is_none()
                && standing.expires_at > now
                && standing.user == user
        };
        Ok(standing.filter(lives))
    }

    async fn claims(&self, text: &str) -> Result<Option<Arc<Claims>>, Problem> {
        let now = self.0.clock.now();
        let fingerprint = opaque::sha256(text.as_bytes());
        let known = self.0.caches.verified.get(&fingerprint).await;
        let Some(key_id) = known
            .as_ref()
            .map(|known| known.key_id.clone())
            .or_else(|| token::key_id(text).map(Arc::from))
        else {
            return Ok(None);
        };
        let keys = self
            .0
            .caches
            .signing_keys
            .try_get_with((), self.load_signing_keys())
            .await
            .map_err(shared)?;
        // Also of what was checked before: a key that is taken back takes its tokens along.
        let Some(key) = keys.0.get(&*key_id) else {
            return Ok(None);
        };
        if let Some(Verified { claims, .. }) = known {
            return Ok(Some(claims).filter(|claims| now.timestamp() < claims.exp));
        }
        let Some(claims) = token::verify(text, key, &self.0.settings.public_url, now) else {
            return Ok(None);
        };
        let claims = Arc::new(claims);
        self.0
            .caches
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
        let keys = directory::signing_keys(&self.0.db, self.0.clock.now()).await?;
        Ok(Arc::new(SigningKeys(
            keys.into_iter()
                .map(|(id, public)| (id, DecodingKey::from_ed_der(&public)))
                .collect(),
        )))
    }
}
