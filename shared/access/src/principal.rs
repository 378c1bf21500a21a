//! The authenticated caller.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::Actor;
use ids::{ApiKeyId, SessionId, TenantId, UserId};
use uuid::Uuid;

use crate::{
    Grants, Reach, ReachKind, Tenant,
    targeting::{EvaluationContext, TargetingRule},
};

/// The platform's own tenant, created by a migration; superadmins exist only here.
pub const REVALENZ: TenantId =
    TenantId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// The permission to impersonate a person; checked on every request of an impersonating session.
pub const IMPERSONATE: &str = "identity.user.impersonate";

/// An authenticated caller, before any permission check.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant whose data the request works on.
    pub tenant: Arc<Tenant>,
    /// The actor recorded with every change.
    pub actor: Actor,
    /// The person, unless the caller is an API key.
    pub user: Option<UserId>,
    /// The API key, unless the caller is a person.
    pub api_key: Option<ApiKeyId>,
    /// The key's own limit of requests per minute, if lower than the tenant's.
    pub requests_per_minute: Option<u32>,
    /// The person's session.
    pub session: Option<SessionId>,
    /// The person's locale; the tenant's for keys.
    pub locale: String,
    /// The role's name; `api_key` for keys.
    pub role: String,
    /// The built-in role that the role is based on; `api_key` for keys.
    pub base_role: String,
    /// The authentication methods of the session (RFC 8176).
    pub amr: Vec<String>,
    /// When the person last authenticated in this session; `None` for keys.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// Whether the person has a second factor.
    pub second_factor: bool,
    /// Whether the organisation requires a second factor for the person's role.
    pub second_factor_required: bool,
    /// The caller's permissions.
    pub grants: Arc<Grants>,
    /// Why a superadmin acts in this tenant.
    pub reason: Option<String>,
    /// The real actor, if the person is being impersonated. Such a caller is read-only and never has `read_sensitive`
    /// permissions. Equals `actor` in that case.
    pub impersonator: Option<Actor>,
}

impl Principal {
    /// How far `permission` reaches for this caller.
    pub fn reach(&self, permission: &str) -> Option<Reach> {
        let kind = self.grants.reach(permission)?;
        Some(match (kind, self.user) {
            (ReachKind::All, _) | (_, None) => Reach::All,
            (ReachKind::Assigned, Some(user)) => Reach::Assigned(user),
            (ReachKind::Own, Some(user)) => Reach::Own(user),
        })
    }

    /// Whether the feature is enabled for this caller. Unknown features are disabled.
    pub fn has(&self, feature: &str) -> bool {
        let Some(rule) = self
            .tenant
            .features
            .get(feature)
            .filter(|projected| projected.is_object())
        else {
            return self.tenant.has(feature);
        };
        let id = self
            .user
            .map(UserId::uuid)
            .or(self.api_key.map(ApiKeyId::uuid));
        let context = EvaluationContext {
            id: id.unwrap_or_default(),
            role: &self.role,
            locale: &self.locale,
        };
        TargetingRule::from_projection(rule).is_some_and(|rule| rule.matches(feature, context))
    }

    /// Whether the caller is platform staff, in any tenant.
    pub fn is_superadmin(&self) -> bool {
        self.base_role == "superadmin"
    }
}
