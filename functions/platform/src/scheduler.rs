//! The built-in scheduler: calls the endpoint of every job at its scheduled time, as Cloud Scheduler does on Google Cloud.
//!
//! A failed call is retried a few times. Missed times are skipped: jobs process everything that is due, whatever the hour.

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
    settings::SecretString,
    telemetry,
};

use crate::{Error, functions};

web::settings! {
    /// Settings of the scheduler when it runs as its own process.
    pub struct Settings {
        /// JSON object that maps each function to its base URL.
        pub function_urls: String = "REVALENZ_FUNCTION_URLS",
        /// Master key; the internal secret is derived from it unless REVALENZ_INTERNAL_SECRET is set.
        pub master_key: SecretString = "REVALENZ_MASTER_KEY",
        /// Secret for internal calls. During a rotation: two values separated by a comma, the new one first.
        pub internal_secret: Option<SecretString> = "REVALENZ_INTERNAL_SECRET",
        /// Log filter, in the syntax of tracing's EnvFilter.
        pub rust_log: String = "RUST_LOG" or "info",
    }
}

/// Runs the scheduler for functions that run as separate processes, until a stop signal.
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
    let scheduler = Scheduler::new(JobEndpoints::remote(urls)?, &auth, Clock::system())?;
    let (stop, stopping) = watch::channel(false);
    let running = tokio::spawn(scheduler.run(stopping));
    server::stop_signal().await;
    stop.send_replace(true);
    running.await?;
    Ok(())
}

/// Timeout of a call. Functions answer within ten seconds, even when the job continues.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Pauses after each failed attempt: in total longer than a roll-out of a function. The number of pauses is the number of
/// attempts.
const RETRY_BACKOFF: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_mins(1),
    Duration::ZERO,
];

/// Where the job endpoints are.
#[derive(Clone, Debug)]
pub enum JobEndpoints {
    /// In this process: the internal router of each function.
    InProcess(BTreeMap<&'static str, Router>),
    /// At base URLs.
    Remote(reqwest::Client, BTreeMap<String, String>),
}

impl JobEndpoints {
    /// Calls these routers in this process.
    pub fn in_process(
        routers: impl IntoIterator<Item = (&'static str, Router)>,
        clock: &Clock,
    ) -> Self {
        let wrapped = routers.into_iter().map(|(name, router)| {
            let edge = Edge {
                clock: clock.clone(),
                trusted_proxies: 0,
            };
            (name, edge::wrap(router, edge))
        });
        Self::InProcess(wrapped.collect())
    }

    /// Calls functions at these base URLs.
    pub fn remote(urls: BTreeMap<String, String>) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            // Never send the secret to a redirect target.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        Ok(Self::Remote(client, urls))
    }
}

/// Calls every job at its scheduled times.
#[derive(Debug)]
pub struct Scheduler {
    endpoints: JobEndpoints,
    authorization: HeaderValue,
    clock: Clock,
    backoff: [Duration; 4],
}

impl Scheduler {
    /// Creates a scheduler for the jobs of all functions.
    pub fn new(endpoints: JobEndpoints, auth: &InternalAuth, clock: Clock) -> Result<Self, Error> {
        let authorization = auth.header().ok_or("no internal secret is configured")?;
        Ok(Self {
            endpoints,
            authorization,
            clock,
            backoff: RETRY_BACKOFF,
        })
    }

    /// Runs until it is told to stop.
    pub async fn run(self, stopping: watch::Receiver<bool>) {
        let this = std::sync::Arc::new(self);
        let mut tasks = JoinSet::new();
        for job in functions::jobs() {
            match Cron::from_str(job.schedule) {
                Ok(cron) => {
                    let (this, stopping) = (this.clone(), stopping.clone());
                    tasks.spawn(async move { this.run_job_loop(job, &cron, stopping).await });
                }
                Err(error) => tracing::error!(job = job.name, %error, "invalid schedule"),
            }
        }
        tasks.join_all().await;
    }

    async fn run_job_loop(
        &self,
        job: &'static Job,
        cron: &Cron,
        mut stopping: watch::Receiver<bool>,
    ) {
        loop {
            let now = self.clock.now();
            let Ok(next) = cron.find_next_occurrence(&now, false) else {
                tracing::error!(job = job.name, "schedule has no next time");
                return;
            };
            let wait = (next - now).to_std().unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            self.trigger_with_retry(job, next, &mut stopping).await;
        }
    }

    /// Calls the job until the run of this time has started, with a limited number of attempts. Returns early when it is told to
    /// stop.
    async fn trigger_with_retry(
        &self,
        job: &Job,
        scheduled_at: DateTime<Utc>,
        stopping: &mut watch::Receiver<bool>,
    ) {
        for pause in self.backoff {
            match self.trigger(job, scheduled_at).await {
                Ok(status) if status.is_success() => return,
                // The previous run is still running: the function refuses a second one.
                Ok(StatusCode::CONFLICT) => {
                    return tracing::info!(job = job.name, "still running");
                }
                Ok(status) if status.is_server_error() => {
                    tracing::warn!(job = job.name, %status, "job failed");
                }
                Ok(status) => return tracing::warn!(job = job.name, %status, "job refused"),
                Err(error) => tracing::warn!(job = job.name, %error, "job unreachable"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Requests the job's run of this time.
    async fn trigger(&self, job: &Job, scheduled_at: DateTime<Utc>) -> Result<StatusCode, Error> {
        let path = format!("{}/{}", jobs::PATH, job.name);
        let time = scheduled_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        match &self.endpoints {
            JobEndpoints::InProcess(routers) => {
                let router = routers
                    .get(job.function)
                    .ok_or("function is not in this process")?;
                let request = Request::post(path)
                    .header(header::AUTHORIZATION, self.authorization.clone())
                    .header(jobs::SCHEDULE_TIME, time)
                    .body(Body::empty())?;
                let Ok(response) = router.clone().oneshot(request).await;
                Ok(response.status())
            }
            JobEndpoints::Remote(client, urls) => {
                let url = urls.get(job.function).ok_or("function has no URL")?;
                let response = client
                    .post(format!("{}{path}", url.trim_end_matches('/')))
                    .header(header::AUTHORIZATION, self.authorization.clone())
                    .header(jobs::SCHEDULE_TIME, time)
                    .send()
                    .await?;
                Ok(response.status())
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

    type Calls = Arc<Mutex<Vec<(String, Option<HeaderValue>)>>>;

    /// Records the scheduled time and the authorization of each call.
    async fn record_call(State(calls): State<Calls>, headers: HeaderMap) {
        let time = headers[jobs::SCHEDULE_TIME].to_str().unwrap().to_owned();
        let authorization = headers.get(header::AUTHORIZATION).cloned();
        calls.lock().unwrap().push((time, authorization));
    }

    #[tokio::test]
    async fn a_job_is_called_once_for_each_scheduled_time() {
        static EACH_SECOND: Job = Job {
            function: "one",
            name: "often",
            schedule: "* * * * * *",
            about: "Runs every second.",
        };
        let calls = Calls::default();
        let router = Router::new()
            .route("/internal/jobs/often", post(record_call))
            .with_state(calls.clone());
        let auth = InternalAuth::derived(&Keyring::parse(&Keyring::generate()).unwrap());
        let clock = Clock::system();
        let endpoints = JobEndpoints::in_process([("one", router)], &clock);
        let scheduler = Scheduler::new(endpoints, &auth, clock).unwrap();
        let (stop, stopping) = watch::channel(false);
        let cron = Cron::from_str(EACH_SECOND.schedule).unwrap();
        let running =
            tokio::spawn(
                async move { scheduler.run_job_loop(&EACH_SECOND, &cron, stopping).await },
            );
        while calls.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.send_replace(true);
        running.await.unwrap();
        let calls = calls.lock().unwrap();
        let times: BTreeSet<_> = calls.iter().map(|(time, _)| time).collect();
        assert_eq!(times.len(), calls.len(), "{calls:?}");
        assert!(
            calls
                .iter()
                .all(|(_, authorization)| *authorization == auth.header())
        );
    }

    /// The remaining answers of an endpoint (the last one repeats), and the scheduled times it was called for.
    type Script = Arc<Mutex<(Vec<StatusCode>, Vec<String>)>>;

    async fn answer(State(script): State<Script>, headers: HeaderMap) -> StatusCode {
        let mut script = script.lock().unwrap();
        let time = headers[jobs::SCHEDULE_TIME].to_str().unwrap().to_owned();
        script.1.push(time);
        if script.0.len() > 1 {
            return script.0.remove(0);
        }
        script.0[0]
    }

    /// Returns the number of calls of an endpoint with these answers, all for the same run.
    async fn count_attempts(answers: &[StatusCode], backoff: [Duration; 4], stop: bool) -> usize {
        static DAILY: Job = Job {
            function: "one",
            name: "daily",
            schedule: "0 3 * * *",
            about: "Runs every day.",
        };
        let script = Script::new(Mutex::new((answers.to_vec(), Vec::new())));
        let router = Router::new()
            .route("/internal/jobs/daily", post(answer))
            .with_state(script.clone());
        let auth = InternalAuth::derived(&Keyring::parse(&Keyring::generate()).unwrap());
        let clock = Clock::system();
        let now = clock.now();
        let endpoints = JobEndpoints::in_process([("one", router)], &clock);
        let scheduler = Scheduler {
            backoff,
            ..Scheduler::new(endpoints, &auth, clock).unwrap()
        };
        let (_stop, mut stopping) = watch::channel(stop);
        scheduler
            .trigger_with_retry(&DAILY, now, &mut stopping)
            .await;
        let times = script.lock().unwrap().1.clone();
        assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
        times.len()
    }

    #[tokio::test]
    async fn a_failed_call_is_retried() {
        const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        let soon = [Duration::from_millis(1); 4];
        assert_eq!(
            count_attempts(&[UNAVAILABLE, UNAVAILABLE, StatusCode::OK], soon, false).await,
            3
        );
        assert_eq!(
            count_attempts(&[UNAVAILABLE, StatusCode::CONFLICT], soon, false).await,
            2
        );
        assert_eq!(count_attempts(&[UNAVAILABLE], soon, false).await, 4);
        for once in [StatusCode::OK, StatusCode::CONFLICT, StatusCode::NOT_FOUND] {
            assert_eq!(count_attempts(&[once], soon, false).await, 1);
        }
        // No retry after a stop signal.
        assert_eq!(count_attempts(&[UNAVAILABLE], RETRY_BACKOFF, true).await, 1);
    }

    #[test]
    fn every_schedule_is_valid() {
        for job in functions::jobs() {
            let cron = Cron::from_str(job.schedule);
            assert!(cron.is_ok(), "{}: {cron:?}", job.name);
        }
    }
}
