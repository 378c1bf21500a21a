//! Loads missing tenants concurrently.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::task::JoinSet;
use tracing::{Dispatch, Level, instrument::WithSubscriber};

use super::{
    Demo,
    checkpoint::{Checkpoint, Progress},
    runner::Runner,
    script::TenantScript,
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
    missing: Vec<TenantScript>,
) -> Result<SignIns, Error> {
    let started = Instant::now();
    console::print_line("  demo     loading (first start only, takes a few seconds)");
    let checkpoint = Arc::new(Mutex::new(checkpoint));
    let mut loads = JoinSet::new();
    for script in missing {
        let load = load_tenant(demo.clone(), script, checkpoint.clone());
        loads.spawn(load.with_subscriber(errors_only()));
    }
    let mut steps = 0;
    while let Some(loaded) = loads.join_next().await {
        steps += loaded??;
    }
    drop(loads);
    let seconds = started.elapsed().as_secs_f32();
    console::print_line(&format!(
        "  demo     loaded in {steps} steps and {seconds:.0} s"
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
    script: TenantScript,
    checkpoint: SharedCheckpoint,
) -> Result<usize, Error> {
    let (sign_ins, progress) = {
        let mut checkpoint = lock(&checkpoint);
        let progress = checkpoint.start_tenant(&script.slug)?;
        (checkpoint.sign_ins().clone(), progress)
    };
    let mut client = demo.client(script.start(&demo.clock))?;
    let mut runner = Runner::new(&demo, &mut client, &script, sign_ins);
    runner.saved = progress.saved;
    for (number, (at, step)) in script.steps.iter().enumerate().skip(progress.done) {
        runner.client.advance_to(*at);
        runner.run(step, Some(number)).await?;
        let progress = Progress {
            done: number + 1,
            saved: runner.saved.clone(),
        };
        lock(&checkpoint).set_progress(&script.slug, runner.tenant(), progress)?;
    }
    mark_events_published(&demo, runner.tenant()).await?;
    Ok(script.steps.len())
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
