//! The platform's own clock: knocks at the door of every job when its time comes, as Cloud Scheduler does elsewhere.
//!
//! A time at which nothing runs here is passed over, as it is there when nobody answers: jobs look at what is left to do, not at
//! the hour.

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
}

impl Timetable {
    /// Of all functions.
    pub fn new(doors: Doors, auth: &InternalAuth, clock: Clock) -> Result<Self, Error> {
        let proof = auth.header().ok_or("there is no internal secret")?;
        Ok(Self {
            doors,
            proof,
            clock,
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
            match self.knock(job, next).await {
                Ok(status) if status.is_success() => {}
                // The run before is still at work: that is what the refusal is for.
                Ok(StatusCode::CONFLICT) => tracing::info!(job = job.name, "still running"),
                Ok(status) => tracing::warn!(job = job.name, %status, "job failed"),
                Err(error) => tracing::warn!(job = job.name, %error, "nobody opened"),
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

    #[test]
    fn every_job_has_a_schedule_that_can_be_read() {
        for job in functions::jobs() {
            let cron = Cron::from_str(job.schedule);
            assert!(cron.is_ok(), "{}: {cron:?}", job.name);
        }
    }
}
