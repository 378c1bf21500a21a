//! A program with a tenant's key.

use std::sync::Arc;

use db::{Actor, DbError};
use web::{Language, Problem, RequestInfo};

use super::{Gate, caches::shared, unauthenticated};
use crate::{Grants, Principal, api_key::ApiKeySecret, directory};

impl Gate {
    pub(super) async fn key(
        &self,
        text: &str,
        request: &RequestInfo,
    ) -> Result<(Principal, Language), Problem> {
        let secret = ApiKeySecret::parse(text).ok_or_else(unauthenticated)?;
        let load = async {
            Ok::<_, DbError>(
                directory::find_key(&self.0.db, secret.tenant, secret.id)
                    .await?
                    .map(Arc::new),
            )
        };
        let stored = self
            .0
            .caches
            .keys
            .try_get_with((secret.tenant, secret.id), load)
            .await
            .map_err(shared)?
            .ok_or_else(unauthenticated)?;
        let now = self.0.clock.now();
        let right = stored.is_secret(&secret.hash(), now);
        let alive = stored.revoked_at.is_none() && stored.expires_at.is_none_or(|end| end > now);
        if !right || !alive || !may_come_from(&stored.ip_ranges, request) {
            return Err(unauthenticated());
        }
        if !self.0.caches.noted.contains_key(&secret.id) {
            directory::note_use(&self.0.db, secret.tenant, secret.id, now).await?;
            self.0.caches.noted.insert(secret.id, ()).await;
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
            proved_at: None,
            second_factor: false,
            second_factor_required: false,
            grants: Arc::new(Grants::of_scopes(stored.scopes.iter().cloned())),
            reason: None,
            impersonator: None,
        };
        Ok((principal, language))
    }
}

fn may_come_from(ranges: &[String], request: &RequestInfo) -> bool {
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
