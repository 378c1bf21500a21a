//! Loads tenants that are missing, side by side, each at its own pace through the same weeks.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::task::JoinSet;
use tracing::{Dispatch, Level, instrument::WithSubscriber};

use super::{
    Demo, HISTORY,
    cast::Cast,
    corpus::{self, TenantPlan},
    journal::Journal,
    play::Play,
    timeline,
};
use crate::{
    Error,
    sign_ins::{SignIns, Tenant},
    terminal,
};

/// The journal, which the loads of all tenants write.
type Shared = Arc<Mutex<Journal>>;

/// Loads the `wanted` tenants; answers who can sign in then.
pub async fn load(
    demo: &Demo,
    journal: Journal,
    wanted: Vec<TenantPlan>,
) -> Result<SignIns, Error> {
    let began = Instant::now();
    terminal::say("  demo     is loaded, once, through the API: some seconds");
    let journal = Arc::new(Mutex::new(journal));
    let mut loads = JoinSet::new();
    for plan in wanted {
        let load = load_tenant(demo.clone(), plan, journal.clone());
        loads.spawn(load.with_subscriber(quiet()));
    }
    let mut tickets = 0;
    while let Some(loaded) = loads.join_next().await {
        tickets += loaded??;
    }
    drop(loads);
    let seconds = began.elapsed().as_secs_f32();
    terminal::say(&format!(
        "  demo     {tickets} tickets with their history, in {seconds:.0} s"
    ));
    Arc::into_inner(journal)
        .ok_or("a load is still running")?
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish()
}

/// Thousands of requests of invented people would bury the log: only failures are told.
pub fn quiet() -> Dispatch {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::ERROR)
        .with_writer(io::stderr)
        .finish();
    Dispatch::new(subscriber)
}

async fn load_tenant(demo: Demo, plan: TenantPlan, journal: Shared) -> Result<usize, Error> {
    let (today, sign_ins, done) = {
        let mut journal = lock(&journal);
        let done = journal.start(plan.slug)?;
        (journal.today(), journal.sign_ins().clone(), done)
    };
    let from = today - HISTORY;
    let mut world = demo.world(from)?;
    let mut tenant = sign_ins.tenants.get(plan.slug).cloned().unwrap_or_default();
    let cast = Cast {
        plan,
        world: &mut world,
        database: &demo.database,
        keyring: &demo.keyring,
    };
    cast.assemble(&super::staff(&sign_ins), &mut tenant).await?;
    lock(&journal).learn(plan.slug, tenant.clone())?;

    let mut tickets = corpus::tickets(plan.slug)?;
    tickets.truncate(demo.tickets);
    let steps = timeline::plan(&tickets, from, today);
    let mut performance = Play::new(plan.slug, &tenant, &mut world, &tickets);
    for (number, step) in steps.iter().enumerate().skip(done) {
        performance.step(number, step).await?;
        lock(&journal).advance(plan.slug, number + 1)?;
    }
    performance.attach_files().await?;
    let_rest(&demo, &tenant).await?;
    Ok(tickets.len())
}

/// What the invented people did is history: nobody is written to about it.
async fn let_rest(demo: &Demo, tenant: &Tenant) -> Result<(), Error> {
    let mut administrator = demo.database.administrator().await?;
    sqlx::query(
        "update events.outbox
        set published_at = occurred_at, sealed = null
        where tenant_id = $1 and published_at is null",
    )
    .bind(tenant.id)
    .execute(&mut administrator)
    .await?;
    Ok(())
}

fn lock(journal: &Shared) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}
