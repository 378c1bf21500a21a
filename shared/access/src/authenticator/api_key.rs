//! Authentication by API key.

use std::sync::Arc;

use db::{Actor, DbError};
use web::{Language, Problem, RequestInfo};

use super::{Authenticator, caches::shared, unauthenticated};
use crate::{Grants, Principal, api_key::ApiKeySecret, directory};

impl Authenticator {
    pub(super) async fn authenticate_key(
        &self,
        text: &str,
        request: &RequestInfo,
    ) -> Result<(Principal, Language), Problem> {
        let secret = ApiKeySecret::parse(text).ok_or_else(unauthenticated)?;
        let load = async {
            Ok::<_, DbError>(
                directory::find_key(&self.db, secret.tenant, secret.id, self.clock.now())
                    .await?
                    .map(Arc::new),
            )
        };
        let stored = self
            .caches
            .keys
            .try_get_with((secret.tenant, secret.id), load)
            .await
            .map_err(shared)?
            .ok_or_else(unauthenticated)?;
        let now = self.clock.now();
        let is_match = stored.is_secret(&secret.hash(), now);
        let is_active =
            stored.revoked_at.is_none() && stored.expires_at.is_none_or(|end| end > now);
        if !is_match || !is_active || !is_allowed_address(&stored.ip_ranges, request) {
            return Err(unauthenticated());
        }
        if !self.caches.recently_used.contains_key(&secret.id) {
            directory::update_last_used(&self.db, secret.tenant, secret.id, now).await?;
            self.caches.recently_used.insert(secret.id, ()).await;
        }
        let tenant = self
            .tenant(secret.tenant)
            .await?
            .ok_or_else(unauthenticated)?;
        let language = tenant.language();
        let tenant_locale = tenant.locale.clone();
        let principal = Principal {
            tenant,
            actor: Actor::api_key(secret.id),
            user: None,
            api_key: Some(secret.id),
            requests_per_minute: stored
                .requests_per_minute
                .and_then(|limit| limit.try_into().ok()),
            session: None,
            locale: tenant_locale,
            role: "api_key".to_owned(),
            base_role: "api_key".to_owned(),
            amr: Vec::new(),
            authenticated_at: None,
            second_factor: false,
            second_factor_required: false,
            grants: Arc::new(Grants::from_scopes(stored.scopes.iter().cloned())),
            reason: None,
            impersonator: None,
        };
        Ok((principal, language))
    }
}

fn is_allowed_address(ranges: &[String], request: &RequestInfo) -> bool {
    if ranges.is_empty() {
        return true;
    }
    let Some(address) = request.address() else {
        return false;
    };
    ranges
        .iter()
        .filter_map(|range| range.parse::<ipnet::IpNet>().ok())
        .any(|range| range.contains(&address))
}
