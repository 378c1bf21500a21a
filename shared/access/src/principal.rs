//! Who is calling, found out once a request.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::Actor;
use ids::{ApiKeyId, SessionId, TenantId, UserId};
use uuid::Uuid;

use crate::{
    Grants, Reach, ReachKind, Tenant,
    targeting::{EvaluationContext, TargetingRule},
};

/// The platform's own tenant, made by migration; superadmins exist only here.
pub const REVALENZ: TenantId =
    TenantId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// The permission to look at somebody's account as that person sees it; the gate asks for it with every such request.
pub const IMPERSONATE: &str = "identity.user.impersonate";

/// An authenticated caller, before any permission is asked for.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant whose data the request works on.
    pub tenant: Arc<Tenant>,
    /// Who acts, as it is written beside every change.
    pub actor: Actor,
    /// The person, unless a key is calling.
    pub user: Option<UserId>,
    /// The key, unless a person is calling.
    pub api_key: Option<ApiKeyId>,
    /// Requests a minute, where the key has fewer than the tenant's keys may have.
    pub requests_per_minute: Option<u32>,
    /// The person's session.
    pub session: Option<SessionId>,
    /// The locale that the person chose; the tenant's for keys.
    pub locale: String,
    /// The role's name; `api_key` for keys.
    pub role: String,
    /// The built-in role that the role is built on; `api_key` for keys.
    pub base_role: String,
    /// How the person proved who they are.
    pub amr: Vec<String>,
    /// When the person last proved it in this session; `None` for keys.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// Whether the person has a second factor.
    pub second_factor: bool,
    /// Whether the organisation demands one of the person's role.
    pub second_factor_required: bool,
    /// What the caller may do.
    pub grants: Arc<Grants>,
    /// Why a superadmin acts in this tenant.
    pub reason: Option<String>,
    /// Who really looks, when somebody else looks at the person's account: such a caller reads only, and sees nothing that is
    /// masked for those without `read_sensitive`. The same as `actor` then.
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

    /// Whether the feature is on for this caller. An unknown one is off.
    pub fn has(&self, feature: &str) -> bool {
        let Some(audience) = self
            .tenant
            .features
            .get(feature)
            .filter(|mirrored| mirrored.is_object())
        else {
            return self.tenant.has(feature);
        };
        let id = self
            .user
            .map(UserId::uuid)
            .or(self.api_key.map(ApiKeyId::uuid));
        let member = EvaluationContext {
            id: id.unwrap_or_default(),
            role: &self.role,
            locale: &self.locale,
        };
        TargetingRule::of(audience).is_some_and(|audience| audience.matches(feature, member))
    }

    /// Whether this is the platform's own staff, in whichever tenant it acts.
    pub fn is_superadmin(&self) -> bool {
        self.base_role == "superadmin"
    }
}
