//! Lists of a user's sessions.

use chrono::{DateTime, Utc};
use db::{ActorKind, Result, TenantTx};
use ids::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Limit;

/// A session.
#[derive(Debug)]
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

/// The keyset position of a session; the page starts after it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) id: SessionId,
}

/// Returns a user's active sessions, newest first: one page plus one row.
pub(crate) async fn list_devices(
    tx: &mut TenantTx,
    user: UserId,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<DeviceRow>> {
    let (tenant, now) = (tx.tenant(), tx.now());
    Ok(sqlx::query_as!(
        DeviceRow,
        r#"select
            s.session_id as "id: SessionId", s.device_name, s.user_agent, s.address, a.amr, s.created_at,
            s.rotated_at as last_used_at, s.expires_at, a.acting_kind as "acting_kind: ActorKind", a.acting_id
        from identity.sessions s
        join access.sessions a on a.tenant_id = s.tenant_id and a.session_id = s.session_id
        where s.tenant_id = $1 and s.user_id = $2 and s.revoked_at is null and s.expires_at > $3
            and ($4::timestamptz is null or (s.created_at, s.session_id) < ($4, $5))
        order by s.created_at desc, s.session_id desc
        limit $6"#,
        tenant as _,
        user as _,
        now,
        after.map(|position| position.created_at),
        after.map(|position| position.id) as _,
        limit.rows(),
    )
    .fetch_all(tx.conn())
    .await?)
}
