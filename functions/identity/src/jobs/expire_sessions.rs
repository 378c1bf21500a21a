//! Deletes sessions, links, idempotency keys and registrations that were never completed after their retention period.

use access::directory;
use access::list::tombstones;
use chrono::TimeDelta;
use db::TenantTx;
use events::{Run, UnitOfWork};
use ids::TenantId;
use serde::Serialize;
use web::problem::Result;

use crate::{
    App,
    store::{jobs, registrations},
};

/// Maximum number of rows per statement, so that it finishes within the statement timeout.
const BATCH_SIZE: i64 = 1_000;
/// How long ended sessions are kept.
const SESSION_RETENTION_DAYS: i64 = 90;
/// How long expired links are kept.
const TOKEN_RETENTION_DAYS: i64 = 30;
/// How long a registration waits for its address to be verified.
const REGISTRATION_RETENTION_DAYS: i64 = 7;
/// How long responses to idempotent requests are kept (`decisions.md` 15).
const IDEMPOTENCY_KEY_RETENTION_HOURS: i64 = 24;

/// The numbers of deleted rows.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Expired {
    pub(crate) sessions: u64,
    pub(crate) one_time_tokens: u64,
    pub(crate) idempotency_keys: u64,
    pub(crate) registrations: u64,
    pub(crate) tombstones: u64,
}

/// Deletes old sessions, links and idempotency keys, one tenant after the other.
pub(crate) async fn expire_sessions(app: &App, run: &Run) -> Result<Expired> {
    let mut expired = Expired::default();
    let mut tenant_loop = run.tenant_loop(directory::list_working_tenants(&app.db).await?);
    while let Some(tenant) = tenant_loop.next_tenant() {
        let result = expire_tenant(app, run, tenant, &mut expired).await;
        tenant_loop.record(tenant, result);
    }
    tenant_loop.finish()?;
    Ok(expired)
}

/// What to delete.
#[derive(Clone, Copy)]
enum Expirable {
    OneTimeTokens,
    IdempotencyKeys,
    Sessions,
    Registrations,
    Tombstones,
}

async fn expire_tenant(
    app: &App,
    run: &Run,
    tenant: TenantId,
    expired: &mut Expired,
) -> Result<()> {
    for (kind, count) in [
        (Expirable::OneTimeTokens, &mut expired.one_time_tokens),
        (Expirable::IdempotencyKeys, &mut expired.idempotency_keys),
        (Expirable::Sessions, &mut expired.sessions),
        (Expirable::Registrations, &mut expired.registrations),
        (Expirable::Tombstones, &mut expired.tombstones),
    ] {
        loop {
            let mut unit = UnitOfWork::begin_step(app, &run.request, tenant).await?;
            let deleted = delete_batch(&mut unit, kind).await?;
            unit.commit().await?;
            *count += deleted;
            if deleted == 0 {
                break;
            }
        }
    }
    Ok(())
}

async fn delete_batch(tx: &mut TenantTx, kind: Expirable) -> db::Result<u64> {
    let now = tx.now();
    match kind {
        Expirable::OneTimeTokens => {
            jobs::delete_old_tokens(tx, now - TimeDelta::days(TOKEN_RETENTION_DAYS), BATCH_SIZE)
                .await
        }
        Expirable::IdempotencyKeys => {
            jobs::delete_old_idempotency_keys(
                tx,
                now - TimeDelta::hours(IDEMPOTENCY_KEY_RETENTION_HOURS),
                BATCH_SIZE,
            )
            .await
        }
        Expirable::Registrations => {
            let before = now - TimeDelta::days(REGISTRATION_RETENTION_DAYS);
            registrations::erase_pending(tx, before, BATCH_SIZE).await
        }
        Expirable::Tombstones => tombstones::expire(tx, BATCH_SIZE).await,
        Expirable::Sessions => {
            jobs::delete_ended_sessions(
                tx,
                now - TimeDelta::days(SESSION_RETENTION_DAYS),
                BATCH_SIZE,
            )
            .await
        }
    }
}
