//! Background tasks of this process: the relay delivers events to subscribers, the scheduler starts jobs, and functions do work
//! of their own. They run beside the server and stop with it.

use access::AppState;
use axum::Router;
use events::BackgroundTask;
use relay::{Bus, InProcess, RelayRuntime, Routing};
use tokio::{sync::watch, task::JoinSet};
use web::Service;

use crate::{
    Error,
    database::Database,
    functions,
    scheduler::{JobEndpoints, Scheduler},
};

/// Relay, scheduler and the work of functions, not started yet.
pub struct BackgroundTasks {
    relay: RelayRuntime,
    of_functions: Vec<BackgroundTask>,
    scheduler: Scheduler,
}

/// The tasks after they have started.
pub struct RunningTasks {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl BackgroundTasks {
    /// Creates the tasks for these services and this bus, besides the work of the functions.
    pub fn new(
        bus: Bus,
        database: &Database,
        state: &AppState,
        services: &[Service],
        of_functions: Vec<BackgroundTask>,
    ) -> Result<Self, Error> {
        let clock = state.clock().clone();
        let routers = services
            .iter()
            .map(|service| (service.name, service.internal.clone()));
        let scheduler = Scheduler::new(
            JobEndpoints::in_process(routers, &clock),
            state.internal_auth(),
            clock.clone(),
        )?;
        let mut transport = InProcess::new(state.internal_auth(), clock.clone());
        for service in services {
            transport = transport.with_function(service.name, service.internal.clone());
        }
        let subscriptions: Vec<_> = functions::ALL
            .iter()
            .flat_map(|function| (function.subscriptions)())
            .collect();
        let relay = RelayRuntime::new(
            bus,
            database.pool_of(relay::CONTEXT.name)?,
            clock,
            transport,
            Routing::from_subscriptions(&subscriptions),
        );
        Ok(Self {
            relay,
            of_functions,
            scheduler,
        })
    }

    /// Wraps the router so that every write wakes the relay.
    pub fn nudged_by(&self, router: Router) -> Router {
        self.relay.nudge().after_writes(router)
    }

    /// Starts the tasks.
    pub fn start(self) -> RunningTasks {
        let (stop, stopping) = watch::channel(false);
        let stopped = |mut stopping: watch::Receiver<bool>| async move {
            // An error means that the sender is dropped: also a reason to stop.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(self.relay.run(stopped(stopping.clone())));
        tasks.spawn(self.scheduler.run(stopping.clone()));
        for work in self.of_functions {
            tasks.spawn(work(Box::pin(stopped(stopping.clone()))));
        }
        RunningTasks { stop, tasks }
    }
}

impl RunningTasks {
    /// Stops the tasks and waits until work in progress is done.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        self.tasks.join_all().await;
    }
}
