//! Clears away what ended long ago. It has been worth nothing since it ended; it only stood there to be looked at.

use access::directory;
use chrono::TimeDelta;
use db::Actor;
use serde::Serialize;
use web::problem::Result;

use crate::{App, store::jobs};

/// Sessions that one statement deletes.
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
pub(crate) async fn expire_sessions(app: &App) -> Result<Expired> {
    let now = app.gate.clock().now();
    let mut expired = Expired::default();
    for tenant in directory::working_tenants(&app.db).await? {
        let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
        let tokens = now - TimeDelta::days(TOKENS_DAYS);
        expired.one_time_tokens += jobs::delete_old_tokens(&mut tx, tokens).await?;
        let answers = now - TimeDelta::hours(ANSWERS_HOURS);
        expired.idempotency_keys += jobs::delete_old_answers(&mut tx, answers).await?;
        tx.commit().await?;
        loop {
            let mut tx = app.db.begin(tenant, Actor::SYSTEM).await?;
            let before = now - TimeDelta::days(SESSIONS_DAYS);
            let sessions = jobs::delete_ended_sessions(&mut tx, before, BATCH).await?;
            tx.commit().await?;
            expired.sessions += sessions;
            if sessions == 0 {
                break;
            }
        }
    }
    Ok(expired)
}
