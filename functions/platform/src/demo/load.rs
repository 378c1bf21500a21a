//! Loads missing tenants concurrently.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::task::JoinSet;
use tracing::{Dispatch, Level, instrument::WithSubscriber};

use super::{
    Demo, HISTORY,
    checkpoint::Checkpoint,
    fixtures::{self, TenantPlan},
    scenario::ScenarioRunner,
    timeline,
    users::TenantSetup,
};
use crate::{
    Error, console,
    sign_ins::{SignIns, Tenant},
};

/// The checkpoint, shared by the loads of all tenants.
type SharedCheckpoint = Arc<Mutex<Checkpoint>>;

/// Loads the `missing` tenants and returns the demo accounts.
pub async fn load(
    demo: &Demo,
    checkpoint: Checkpoint,
    missing: Vec<TenantPlan>,
) -> Result<SignIns, Error> {
    let started = Instant::now();
    console::print_line("  demo     loading (first start only, takes a few seconds)");
    let checkpoint = Arc::new(Mutex::new(checkpoint));
    let mut loads = JoinSet::new();
    for plan in missing {
        let load = load_tenant(demo.clone(), plan, checkpoint.clone());
        loads.spawn(load.with_subscriber(errors_only()));
    }
    let mut tickets = 0;
    while let Some(loaded) = loads.join_next().await {
        tickets += loaded??;
    }
    drop(loads);
    let seconds = started.elapsed().as_secs_f32();
    console::print_line(&format!(
        "  demo     loaded {tickets} tickets with history in {seconds:.0} s"
    ));
    Arc::into_inner(checkpoint)
        .ok_or("a load is still running")?
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish()
}

/// Returns a log subscriber that only logs errors: the demo sends thousands of requests.
pub fn errors_only() -> Dispatch {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::ERROR)
        .with_writer(io::stderr)
        .finish();
    Dispatch::new(subscriber)
}

async fn load_tenant(
    demo: Demo,
    plan: TenantPlan,
    checkpoint: SharedCheckpoint,
) -> Result<usize, Error> {
    let (today, sign_ins, done) = {
        let mut checkpoint = lock(&checkpoint);
        let done = checkpoint.start_tenant(plan.slug)?;
        (checkpoint.today(), checkpoint.sign_ins().clone(), done)
    };
    let from = today - HISTORY;
    let mut client = demo.client(from)?;
    let mut tenant = sign_ins.tenants.get(plan.slug).cloned().unwrap_or_default();
    let setup = TenantSetup {
        plan,
        client: &mut client,
        database: &demo.database,
        keyring: &demo.keyring,
    };
    setup
        .ensure_tenant(&super::superadmin_account(&sign_ins), &mut tenant)
        .await?;
    lock(&checkpoint).set_tenant(plan.slug, tenant.clone())?;

    let mut tickets = fixtures::tickets(plan.slug)?;
    tickets.truncate(demo.max_tickets);
    let steps = timeline::plan(&tickets, from, today);
    let mut runner = ScenarioRunner::new(plan.slug, &tenant, &mut client, &tickets);
    for (number, step) in steps.iter().enumerate().skip(done) {
        runner.run_step(number, step).await?;
        lock(&checkpoint).set_progress(plan.slug, number + 1)?;
    }
    runner.attach_files().await?;
    mark_events_published(&demo, &tenant).await?;
    Ok(tickets.len())
}

/// Marks the events of the demo as published, so that no mails are sent about them.
async fn mark_events_published(demo: &Demo, tenant: &Tenant) -> Result<(), Error> {
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

fn lock(checkpoint: &SharedCheckpoint) -> MutexGuard<'_, Checkpoint> {
    checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
}
