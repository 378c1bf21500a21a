//! What moves between the functions of this process: the relay brings announcements to whoever listens, the sender brings
//! mails into a folder, the timetable starts jobs. All work beside the server and end with it.

use std::sync::Arc;

use access::Gate;
use axum::Router;
use notifications::{Folder, Sender};
use relay::{Bus, InProcess, Moving, Routing};
use tokio::{sync::watch, task::JoinSet};
use web::Service;

use crate::{
    Error,
    database::Database,
    functions,
    timetable::{Doors, Timetable},
};

/// Relay, sender and timetable, not yet at work.
pub struct Delivery {
    moving: Moving,
    sender: Sender,
    timetable: Timetable,
}

/// All of them at work.
pub struct Delivering {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Delivery {
    /// Between these services, over this bus, with mails going into this folder.
    pub fn new(
        bus: Bus,
        database: &Database,
        gate: &Gate,
        services: &[Service],
        mails: Folder,
    ) -> Result<Self, Error> {
        let sender = Sender::new(database.of("notifications")?, gate.clone(), Arc::new(mails));
        let clock = gate.clock().clone();
        let doors = services
            .iter()
            .map(|service| (service.name, service.internal.clone()));
        let timetable = Timetable::new(
            Doors::here(doors, &clock),
            gate.internal_auth(),
            clock.clone(),
        )?;
        let mut transport = InProcess::new(gate.internal_auth(), clock.clone());
        for service in services {
            let internal = match service.name {
                "notifications" => sender.nudged_by(service.clone()).internal,
                _ => service.internal.clone(),
            };
            transport = transport.function(service.name, internal);
        }
        let subscriptions: Vec<_> = functions::ALL
            .iter()
            .flat_map(|function| (function.listens)())
            .collect();
        let moving = Moving::over(
            bus,
            database.of("relay")?,
            clock,
            transport,
            Routing::of(&subscriptions),
        );
        Ok(Self {
            moving,
            sender,
            timetable,
        })
    }

    /// The same router, waking the relay behind every write.
    pub fn nudged_by(&self, router: Router) -> Router {
        self.moving.nudge().after_writes(router)
    }

    /// Sets them to work.
    pub fn start(self) -> Delivering {
        let (stop, stopping) = watch::channel(false);
        let stopped = |mut stopping: watch::Receiver<bool>| async move {
            // An error means that the platform is gone: a reason to stop as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(self.moving.run(stopped(stopping.clone())));
        tasks.spawn(self.timetable.keep(stopping.clone()));
        tasks.spawn(async move { self.sender.run(stopped(stopping)).await });
        Delivering { stop, tasks }
    }
}

impl Delivering {
    /// Lets what is under way come to its end.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        self.tasks.join_all().await;
    }
}
