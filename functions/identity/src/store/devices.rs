//! Lists of a user's sessions.

use access::list::{IdType, Order, Source};
use chrono::{DateTime, Utc};
use db::ActorKind;
use ids::{SessionId, UserId};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

/// A session.
#[derive(Debug, FromRow)]
pub(crate) struct DeviceRow {
    pub(crate) id: SessionId,
    pub(crate) device_name: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) amr: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_used_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) acting_kind: Option<ActorKind>,
    pub(crate) acting_id: Option<Uuid>,
}

/// Sessions; those that have ended are gone.
pub(crate) const DEVICES: Source = Source {
    name: "sessions",
    columns: "s.session_id as id, s.device_name, s.user_agent, s.address, a.amr, s.created_at, s.rotated_at as last_used_at, s.expires_at,
        a.acting_kind, a.acting_id",
    from: "identity.sessions s join access.sessions a on a.tenant_id = s.tenant_id and a.session_id = s.session_id",
    tenant: "s.tenant_id",
    id: "s.session_id",
    id_type: IdType::Uuid,
    changed_at: "greatest(s.rotated_at, s.revoked_at)",
    version: "1",
    gone: "s.revoked_at is not null",
};
pub(crate) const NEWEST_FIRST: Order = Order {
    keys: &[("s.created_at", "timestamptz")],
    descending: true,
};

/// Restricts the sessions to those of a user that have not expired.
pub(crate) fn push_user(query: &mut QueryBuilder<Postgres>, user: UserId, now: DateTime<Utc>) {
    query.push(" and s.user_id = ").push_bind(user);
    query.push(" and s.expires_at > ").push_bind(now);
}
