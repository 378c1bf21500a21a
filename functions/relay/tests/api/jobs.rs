//! Jobs: one effect per scheduled time, no overlap, and recovery after a crash.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use db::Db;
use events::{Job, Jobs, jobs};
use futures::future::join_all;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::TestApp;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use web::{
    Problem,
    edge::{self, Edge},
    problem,
};

static COUNT: Job = Job {
    function: "relay",
    name: "count",
    schedule: "* * * * *",
    about: "Counts.",
};

/// State shared with the job.
#[derive(Clone)]
struct Work {
    started: Arc<AtomicUsize>,
    finished: Arc<AtomicUsize>,
    /// Each run needs a permit to finish.
    permits: Arc<Semaphore>,
    /// Number of runs that fail first.
    failures: Arc<AtomicUsize>,
}

struct JobHarness {
    app: TestApp,
    work: Work,
    router: Router,
}

impl JobHarness {
    async fn new(permits: usize) -> Self {
        let app = TestApp::new(&[]).await;
        let work = Work {
            started: Arc::default(),
            finished: Arc::default(),
            permits: Arc::new(Semaphore::new(permits)),
            failures: Arc::default(),
        };
        let router = job_router(&app, work.clone());
        Self { app, work, router }
    }

    async fn trigger(&self, scheduled_at: &str) -> (u16, Value) {
        let proof = self.app.state.internal_auth().header().unwrap();
        let request = Request::post("/internal/jobs/count")
            .header("authorization", proof)
            .header(jobs::SCHEDULE_TIME, scheduled_at)
            .body(Body::empty())
            .unwrap();
        send(&self.router, request).await
    }

    async fn list_jobs(&self) -> Value {
        let proof = self.app.state.internal_auth().header().unwrap();
        let request = Request::get("/internal/jobs")
            .header("authorization", proof)
            .body(Body::empty())
            .unwrap();
        let (status, list) = send(&self.router, request).await;
        assert_eq!(status, 200);
        list
    }
}

/// The job endpoints of one process over the shared database.
fn job_router(app: &TestApp, work: Work) -> Router {
    let db = Db::connect_lazy(&app.database.login_url("relay"), 4).unwrap();
    let jobs = Jobs::default().job(&COUNT, |work: Work, run| async move {
        let started = work.started.fetch_add(1, Ordering::SeqCst) + 1;
        run.report_progress(&json!({"started": started}));
        work.permits.acquire().await.unwrap().forget();
        let failure = work
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if failure.is_ok() {
            return Err(problem::UNAVAILABLE.problem());
        }
        work.finished.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Problem>(json!({"for": run.scheduled_at}))
    });
    let edge = Edge {
        clock: app.clock.clone(),
        trusted_proxies: 0,
    };
    edge::wrap(jobs.routes(work, db, app.state.clone()), edge)
}

async fn send(router: &Router, request: Request<Body>) -> (u16, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A scheduled time relative to the test clock.
fn at(harness: &JobHarness, minutes: i64) -> String {
    (harness.app.clock.now() + chrono::TimeDelta::minutes(minutes)).to_rfc3339()
}

#[tokio::test]
async fn ten_concurrent_triggers_start_one_run() {
    let harness = JobHarness::new(10).await;
    let other = job_router(&harness.app, harness.work.clone());
    let time = at(&harness, 0);
    let proof = harness.app.state.internal_auth().header().unwrap();
    let triggers = (0..10).map(|n| {
        let router = if n % 2 == 0 { &harness.router } else { &other };
        let request = Request::post("/internal/jobs/count")
            .header("authorization", proof.clone())
            .header(jobs::SCHEDULE_TIME, &time)
            .body(Body::empty())
            .unwrap();
        send(router, request)
    });
    let responses = join_all(triggers).await;
    for (status, body) in &responses {
        assert!(matches!(status, 200 | 409), "{status} {body}");
    }
    assert!(responses.iter().any(|(status, _)| *status == 200));
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 1);
    // Another trigger returns the result.
    let (status, body) = harness.trigger(&time).await;
    assert_eq!((status, &body["status"]), (200, &json!("done")), "{body}");
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_is_refused_while_the_previous_one_is_running() {
    let harness = Arc::new(JobHarness::new(0).await);
    let first = tokio::spawn({
        let harness = harness.clone();
        async move { harness.trigger(&at(&harness, 0)).await }
    });
    while harness.work.started.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (status, body) = harness.trigger(&at(&harness, 1)).await;
    assert_eq!((status, &body["code"]), (409, &json!("job_running")));
    assert_eq!(
        harness.list_jobs().await[0]["last_run"]["status"],
        json!("running")
    );
    harness.work.permits.add_permits(2);
    assert_eq!(first.await.unwrap().0, 200);
    assert_eq!(harness.trigger(&at(&harness, 1)).await.0, 200);
    assert_eq!(harness.work.finished.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_failed_run_can_be_triggered_again_and_a_finished_one_cannot() {
    let harness = JobHarness::new(9).await;
    harness.work.failures.store(1, Ordering::SeqCst);
    let time = at(&harness, 0);
    assert_eq!(harness.trigger(&time).await.0, 503);
    let failed = &harness.list_jobs().await[0]["last_run"];
    assert_eq!(
        (&failed["status"], &failed["failure"]),
        (&json!("failed"), &json!("unavailable"))
    );
    assert_eq!(harness.trigger(&time).await.0, 200);
    assert_eq!(harness.trigger(&time).await.0, 200);
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 2);
    let done = &harness.list_jobs().await[0]["last_run"];
    assert_eq!(
        (&done["status"], &done["attempts"]),
        (&json!("done"), &json!(2))
    );
}

#[tokio::test]
async fn a_crashed_run_can_be_triggered_again_after_its_lease() {
    let harness = JobHarness::new(9).await;
    let time = at(&harness, 0);
    let started = harness.app.clock.now();
    sqlx::query(
        "insert into events.job_runs (function, job, scheduled_at, status, started_at, lease_until)
        values ('relay', 'count', $1, 'running', $1, $1 + interval '3 minutes')",
    )
    .bind(started)
    .execute(&mut harness.app.admin().await)
    .await
    .unwrap();
    assert_eq!(harness.trigger(&time).await.0, 409);
    harness.app.clock.advance(Duration::from_mins(3));
    assert_eq!(harness.trigger(&time).await.0, 200);
    assert_eq!(harness.work.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failure_for_one_tenant_does_not_skip_others_and_fails_the_run() {
    let app = TestApp::new(&[]).await;
    let tenants: Vec<ids::TenantId> = (0..3).map(|_| ids::Id::at(app.clock.now())).collect();
    let processed = Arc::new(AtomicUsize::new(0));
    let state = (tenants, processed.clone());
    let jobs = Jobs::default().job(
        &COUNT,
        |(tenants, processed): (Vec<ids::TenantId>, Arc<AtomicUsize>), run| async move {
            let mut tenant_loop = run.tenant_loop(tenants);
            while let Some(tenant) = tenant_loop.next_tenant() {
                let outcome = match processed.fetch_add(1, Ordering::SeqCst) {
                    1 => Err(problem::UNAVAILABLE.problem()),
                    _ => Ok(()),
                };
                tenant_loop.record(tenant, outcome);
            }
            tenant_loop.finish()
        },
    );
    let db = Db::connect_lazy(&app.database.login_url("relay"), 2).unwrap();
    let edge = Edge {
        clock: app.clock.clone(),
        trusted_proxies: 0,
    };
    let router = edge::wrap(jobs.routes(state, db, app.state.clone()), edge);
    let proof = app.state.internal_auth().header().unwrap();
    let authorize = |request: http::request::Builder| {
        let request = request.header("authorization", proof.clone());
        request.body(Body::empty()).unwrap()
    };
    let (status, _) = send(&router, authorize(Request::post("/internal/jobs/count"))).await;
    assert_eq!((status, processed.load(Ordering::SeqCst)), (503, 3));
    let (_, listed) = send(&router, authorize(Request::get("/internal/jobs"))).await;
    let last = &listed[0]["last_run"];
    assert_eq!(last["status"], json!("failed"));
    assert_eq!(
        last["progress"],
        json!({"tenants": 3, "done": 3, "failed": 1})
    );
}

/// An unfinished run that has reported its progress.
async fn start_unfinished_run() -> (Arc<JobHarness>, tokio::task::JoinHandle<(u16, Value)>) {
    let harness = Arc::new(JobHarness::new(0).await);
    let run = tokio::spawn({
        let harness = harness.clone();
        async move { harness.trigger(&at(&harness, 0)).await }
    });
    while harness.list_jobs().await[0]["last_run"]["progress"] != json!({"started": 1}) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (harness, run)
}

#[tokio::test]
async fn a_long_run_reports_progress_and_renews_its_lease() {
    let (harness, _run) = start_unfinished_run().await;
    harness.app.clock.advance(Duration::from_mins(2));
    // The run renews its lease at the new time.
    let mut admin = harness.app.admin().await;
    let is_renewed = "select lease_until - started_at > interval '4 minutes' from events.job_runs";
    while !sqlx::query_scalar::<_, bool>(is_renewed)
        .fetch_one(&mut admin)
        .await
        .unwrap()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    harness.app.clock.advance(Duration::from_mins(2));
    assert_eq!(harness.trigger(&at(&harness, 0)).await.0, 409);
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_that_is_marked_as_lost_is_aborted() {
    let (harness, run) = start_unfinished_run().await;
    sqlx::query("update events.job_runs set status = 'lost', finished_at = now()")
        .execute(&mut harness.app.admin().await)
        .await
        .unwrap();
    let (status, body) = run.await.unwrap();
    assert!(matches!(status, 202 | 409), "{status} {body}");
    // Until its next heartbeat.
    tokio::time::sleep(Duration::from_secs(6)).await;
    harness.work.permits.add_permits(1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(harness.work.finished.load(Ordering::SeqCst), 0);
    let listed = &harness.list_jobs().await[0];
    assert_eq!(listed["last_run"]["status"], json!("lost"));
    assert_eq!(listed["last_finished_run"]["status"], json!("lost"));
}

#[tokio::test]
async fn the_last_result_is_listed_while_a_run_is_running() {
    let harness = Arc::new(JobHarness::new(1).await);
    assert_eq!(harness.trigger(&at(&harness, 0)).await.0, 200);
    let second = tokio::spawn({
        let harness = harness.clone();
        async move { harness.trigger(&at(&harness, 1)).await }
    });
    while harness.work.started.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = &harness.list_jobs().await[0];
    assert_eq!(listed["last_run"]["status"], json!("running"));
    assert_eq!(listed["last_finished_run"]["status"], json!("done"));
    assert!(listed["last_finished_run"]["result"]["for"].is_string());
    harness.work.permits.add_permits(1);
    assert_eq!(second.await.unwrap().0, 200);
}

#[tokio::test]
async fn users_cannot_start_a_job() {
    let harness = JobHarness::new(9).await;
    let admin = harness.app.tenant("ours").await;
    let token = harness.app.token(&admin.admin);
    for proof in [
        None,
        Some("Bearer nonsense".to_owned()),
        Some(format!("Bearer {token}")),
    ] {
        let mut request = Request::post("/internal/jobs/count");
        if let Some(proof) = proof {
            request = request.header("authorization", proof);
        }
        let (status, body) = send(&harness.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")));
    }
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_invalid_time_and_an_unknown_job_are_refused() {
    let harness = JobHarness::new(9).await;
    for time in ["soon", "2026-13-01T00:00:00Z", "1999-01-01T00:00:00Z", ""] {
        let (status, body) = harness.trigger(time).await;
        assert_eq!(
            (status, &body["code"]),
            (400, &json!("invalid_header")),
            "{time}"
        );
    }
    let proof = harness.app.state.internal_auth().header().unwrap();
    for path in ["/internal/jobs/other", "/internal/jobs/%ff"] {
        let request = Request::post(path)
            .header("authorization", proof.clone())
            .body(Body::empty())
            .unwrap();
        let (status, _) = send(&harness.router, request).await;
        assert!(matches!(status, 400 | 404), "{path} {status}");
    }
    assert_eq!(harness.work.started.load(Ordering::SeqCst), 0);
}
