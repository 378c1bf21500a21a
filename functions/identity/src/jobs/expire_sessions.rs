//! Clears away what ended long ago. It has been worth nothing since it ended; it only stood there to be looked at.

use access::directory;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, TenantTx};
use events::Run;
use ids::TenantId;
use serde::Serialize;
use web::problem::Result;

use crate::{App, store::jobs};

/// What one statement deletes at most: of more it might not come to an end in its time.
const BATCH: i64 = 1_000;
/// For how long a session that ended can still be looked at.
const SESSIONS_DAYS: i64 = 90;
/// And a link.
const TOKENS_DAYS: i64 = 30;
/// For how long the answer to a repeated request is kept (`decisions.md` 15).
const ANSWERS_HOURS: i64 = 24;

/// How much was cleared away.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Expired {
    pub(crate) sessions: u64,
    pub(crate) one_time_tokens: u64,
    pub(crate) idempotency_keys: u64,
}

/// Deletes old sessions, links, and answers to repeated requests, one tenant after the other.
pub(crate) async fn expire_sessions(app: &App, run: &Run) -> Result<Expired> {
    let now = app.state.clock().now();
    let mut expired = Expired::default();
    let mut tenant_loop = run.tenant_loop(directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let cleared = expire_tenant(app, tenant, now, &mut expired).await;
        tenant_loop.record(tenant, cleared);
    }
    tenant_loop.finish()?;
    Ok(expired)
}

/// What is cleared away.
#[derive(Clone, Copy)]
enum Old {
    Links,
    Answers,
    Sessions,
}

async fn expire_tenant(
    app: &App,
    tenant: TenantId,
    now: DateTime<Utc>,
    expired: &mut Expired,
) -> Result<()> {
    for (old, count) in [
        (Old::Links, &mut expired.one_time_tokens),
        (Old::Answers, &mut expired.idempotency_keys),
        (Old::Sessions, &mut expired.sessions),
    ] {
        loop {
            let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
            let deleted = delete_portion(&mut tx, old, now).await?;
            tx.commit().await?;
            *count += deleted;
            if deleted == 0 {
                break;
            }
        }
    }
    Ok(())
}

async fn delete_portion(tx: &mut TenantTx, old: Old, now: DateTime<Utc>) -> db::Result<u64> {
    match old {
        Old::Links => jobs::delete_old_tokens(tx, now - TimeDelta::days(TOKENS_DAYS), BATCH).await,
        Old::Answers => {
            jobs::delete_old_answers(tx, now - TimeDelta::hours(ANSWERS_HOURS), BATCH).await
        }
        Old::Sessions => {
            jobs::delete_ended_sessions(tx, now - TimeDelta::days(SESSIONS_DAYS), BATCH).await
        }
    }
}
