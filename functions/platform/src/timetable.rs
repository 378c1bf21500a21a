//! The platform's own clock: knocks at the door of every job when its time comes, as Cloud Scheduler does elsewhere.
//!
//! Who does not open is knocked for a few times more, as there. A time at which nothing runs here is passed over: jobs look at
//! what is left to do, not at the hour.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use access::{InternalAuth, Keyring};
use axum::{Router, body::Body};
use chrono::{DateTime, SecondsFormat, Utc};
use croner::Cron;
use events::{Job, jobs};
use http::{HeaderValue, Request, StatusCode, header};
use tokio::{sync::watch, task::JoinSet};
use tower::ServiceExt;
use web::{
    Clock,
    edge::{self, Edge},
    server, settings,
    settings::Hidden,
    telemetry,
};

use crate::{Error, functions};

web::settings! {
    /// Settings of the clock as a process of its own.
    pub struct Settings {
        /// JSON object of function to address: whose doors are knocked at.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS",
        /// Master key, which yields what is presented unless there is an internal secret.
        pub master_key: Hidden = "REVALENZ_MASTER_KEY",
        /// What functions ask for: <secret>, during a rotation two with a comma between, the newest first.
        pub internal_secret: Option<Hidden> = "REVALENZ_INTERNAL_SECRET",
        /// What is logged, as in tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// Keeps the timetable of functions that are processes of their own, until it is told to stop.
pub async fn run() -> Result<(), Error> {
    settings::refuse_unknown(settings::environment_names(), &[Settings::ENTRIES])?;
    let settings = Settings::read(&settings::environment)?;
    telemetry::init_logs(None, &settings.rust_log);
    let urls = serde_json::from_str(&settings.function_urls)
        .map_err(|error| format!("REVALENZ_FUNCTION_URLS: {error}"))?;
    let auth = match &settings.internal_secret {
        Some(secret) => InternalAuth::parse(secret.expose())?,
        None => InternalAuth::derived(&Keyring::parse(settings.master_key.expose())?),
    };
    let timetable = Timetable::new(Doors::elsewhere(urls)?, &auth, Clock::system())?;
    let (stop, stopping) = watch::channel(false);
    let keeping = tokio::spawn(timetable.keep(stopping));
    server::stop_signal().await;
    stop.send_replace(true);
    keeping.await?;
    Ok(())
}

/// How long a function may take to answer; it does so within ten seconds, also when the job goes on.
const LIMIT: Duration = Duration::from_secs(15);

/// Pauses after a knock to which nobody opened, or which went wrong: together longer than a function takes to be rolled. After the
/// last one it is not tried again.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_mins(1),
    Duration::ZERO,
];

/// Where the doors are.
#[derive(Clone, Debug)]
pub enum Doors {
    /// In this process: what only the platform itself calls of each function.
    Here(BTreeMap<&'static str, Router>),
    /// Behind addresses.
    Elsewhere(reqwest::Client, BTreeMap<String, String>),
}

impl Doors {
    /// In this process.
    pub fn here(routers: impl IntoIterator<Item = (&'static str, Router)>, clock: &Clock) -> Self {
        let wrapped = routers.into_iter().map(|(name, router)| {
            let edge = Edge {
                clock: clock.clone(),
                trusted_proxies: 0,
            };
            (name, edge::wrap(router, edge))
        });
        Self::Here(wrapped.collect())
    }

    /// At these addresses.
    pub fn elsewhere(urls: BTreeMap<String, String>) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            // The secret goes to the function, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LIMIT)
            .build()?;
        Ok(Self::Elsewhere(client, urls))
    }
}

/// Every job with its door.
#[derive(Debug)]
pub struct Timetable {
    doors: Doors,
    proof: HeaderValue,
    clock: Clock,
    pauses: [Duration; 4],
}

impl Timetable {
    /// Of all functions.
    pub fn new(doors: Doors, auth: &InternalAuth, clock: Clock) -> Result<Self, Error> {
        let proof = auth.header().ok_or("there is no internal secret")?;
        Ok(Self {
            doors,
            proof,
            clock,
            pauses: PAUSES,
        })
    }

    /// Keeps it until it is told to stop.
    pub async fn keep(self, stopping: watch::Receiver<bool>) {
        let this = std::sync::Arc::new(self);
        let mut tasks = JoinSet::new();
        for job in functions::jobs() {
            match Cron::from_str(job.schedule) {
                Ok(cron) => {
                    let (this, stopping) = (this.clone(), stopping.clone());
                    tasks.spawn(async move { this.watch(job, &cron, stopping).await });
                }
                Err(error) => tracing::error!(job = job.name, %error, "no schedule"),
            }
        }
        tasks.join_all().await;
    }

    async fn watch(&self, job: &'static Job, cron: &Cron, mut stopping: watch::Receiver<bool>) {
        loop {
            let now = self.clock.now();
            let Ok(next) = cron.find_next_occurrence(&now, false) else {
                tracing::error!(job = job.name, "there is no next time");
                return;
            };
            let wait = (next - now).to_std().unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            self.start(job, next, &mut stopping).await;
        }
    }

    /// Knocks until the run of this time is under way, a few times; a run that is done is not run again. Waits no longer when it
    /// is told to stop.
    async fn start(
        &self,
        job: &Job,
        scheduled_at: DateTime<Utc>,
        stopping: &mut watch::Receiver<bool>,
    ) {
        for pause in self.pauses {
            match self.knock(job, scheduled_at).await {
                Ok(status) if status.is_success() => return,
                // The run before is still at work: that is what the refusal is for.
                Ok(StatusCode::CONFLICT) => {
                    return tracing::info!(job = job.name, "still running");
                }
                Ok(status) if status.is_server_error() => {
                    tracing::warn!(job = job.name, %status, "job failed");
                }
                Ok(status) => return tracing::warn!(job = job.name, %status, "job refused"),
                Err(error) => tracing::warn!(job = job.name, %error, "nobody opened"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Starts the job's run of this time.
    async fn knock(&self, job: &Job, scheduled_at: DateTime<Utc>) -> Result<StatusCode, Error> {
        let path = format!("{}/{}", jobs::PATH, job.name);
        let time = scheduled_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        match &self.doors {
            Doors::Here(routers) => {
                let router = routers.get(job.function).ok_or("not in this process")?;
                let request = Request::post(path)
                    .header(header::AUTHORIZATION, self.proof.clone())
                    .header(jobs::SCHEDULE_TIME, time)
                    .body(Body::empty())?;
                let Ok(response) = router.clone().oneshot(request).await;
                Ok(response.status())
            }
            Doors::Elsewhere(client, urls) => {
                let url = urls.get(job.function).ok_or("it has no address")?;
                let answer = client
                    .post(format!("{}{path}", url.trim_end_matches('/')))
                    .header(header::AUTHORIZATION, self.proof.clone())
                    .header(jobs::SCHEDULE_TIME, time)
                    .send()
                    .await?;
                Ok(answer.status())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use access::Keyring;
    use axum::{extract::State, http::HeaderMap, routing::post};

    use super::*;

    type Heard = Arc<Mutex<Vec<(String, Option<HeaderValue>)>>>;

    /// Notes for which time and with which proof somebody knocks.
    async fn note(State(heard): State<Heard>, headers: HeaderMap) {
        let time = headers[jobs::SCHEDULE_TIME].to_str().unwrap().to_owned();
        let proof = headers.get(header::AUTHORIZATION).cloned();
        heard.lock().unwrap().push((time, proof));
    }

    #[tokio::test]
    async fn a_door_is_knocked_at_once_for_every_time() {
        static EACH_SECOND: Job = Job {
            function: "one",
            name: "often",
            schedule: "* * * * * *",
            about: "Is asked for each second.",
        };
        let heard = Heard::default();
        let router = Router::new()
            .route("/internal/jobs/often", post(note))
            .with_state(heard.clone());
        let auth = InternalAuth::derived(&Keyring::parse(&Keyring::generate()).unwrap());
        let clock = Clock::system();
        let doors = Doors::here([("one", router)], &clock);
        let timetable = Timetable::new(doors, &auth, clock).unwrap();
        let (stop, stopping) = watch::channel(false);
        let cron = Cron::from_str(EACH_SECOND.schedule).unwrap();
        let keeping =
            tokio::spawn(async move { timetable.watch(&EACH_SECOND, &cron, stopping).await });
        while heard.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.send_replace(true);
        keeping.await.unwrap();
        let heard = heard.lock().unwrap();
        let times: BTreeSet<_> = heard.iter().map(|(time, _)| time).collect();
        assert_eq!(times.len(), heard.len(), "{heard:?}");
        assert!(heard.iter().all(|(_, proof)| *proof == auth.header()));
    }

    /// What a door has left to say, the last of it for ever, and for which times somebody knocked.
    type Said = Arc<Mutex<(Vec<StatusCode>, Vec<String>)>>;

    async fn answer(State(said): State<Said>, headers: HeaderMap) -> StatusCode {
        let mut said = said.lock().unwrap();
        let time = headers[jobs::SCHEDULE_TIME].to_str().unwrap().to_owned();
        said.1.push(time);
        if said.0.len() > 1 {
            return said.0.remove(0);
        }
        said.0[0]
    }

    /// How often is knocked at a door that answers like this, each time for the same run.
    async fn knocks(answers: &[StatusCode], pauses: [Duration; 4], stop: bool) -> usize {
        static DAILY: Job = Job {
            function: "one",
            name: "daily",
            schedule: "0 3 * * *",
            about: "Is asked for each day.",
        };
        let said = Said::new(Mutex::new((answers.to_vec(), Vec::new())));
        let router = Router::new()
            .route("/internal/jobs/daily", post(answer))
            .with_state(said.clone());
        let auth = InternalAuth::derived(&Keyring::parse(&Keyring::generate()).unwrap());
        let clock = Clock::system();
        let now = clock.now();
        let doors = Doors::here([("one", router)], &clock);
        let timetable = Timetable {
            pauses,
            ..Timetable::new(doors, &auth, clock).unwrap()
        };
        let (_stop, mut stopping) = watch::channel(stop);
        timetable.start(&DAILY, now, &mut stopping).await;
        let times = said.lock().unwrap().1.clone();
        assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
        times.len()
    }

    #[tokio::test]
    async fn a_door_that_is_shut_is_knocked_at_again() {
        const AWAY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        let soon = [Duration::from_millis(1); 4];
        assert_eq!(knocks(&[AWAY, AWAY, StatusCode::OK], soon, false).await, 3);
        assert_eq!(knocks(&[AWAY, StatusCode::CONFLICT], soon, false).await, 2);
        assert_eq!(knocks(&[AWAY], soon, false).await, 4);
        for once in [StatusCode::OK, StatusCode::CONFLICT, StatusCode::NOT_FOUND] {
            assert_eq!(knocks(&[once], soon, false).await, 1);
        }
        // Told to stop, nobody waits for the next try.
        assert_eq!(knocks(&[AWAY], PAUSES, true).await, 1);
    }

    #[test]
    fn every_job_has_a_schedule_that_can_be_read() {
        for job in functions::jobs() {
            let cron = Cron::from_str(job.schedule);
            assert!(cron.is_ok(), "{}: {cron:?}", job.name);
        }
    }
}
