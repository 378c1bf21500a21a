//! Jobs: one effect a time, never two at once, and who dies on the way is no end of it.

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
use testkit::Stage;
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

/// What the job works on.
#[derive(Clone)]
struct Work {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Each run takes one to come to its end.
    ends: Arc<Semaphore>,
    /// Runs that fail first.
    failures: Arc<AtomicUsize>,
}

struct Place {
    stage: Stage,
    work: Work,
    router: Router,
}

impl Place {
    async fn new(ends: usize) -> Self {
        let stage = Stage::of(&[]).await;
        let work = Work {
            begun: Arc::default(),
            ended: Arc::default(),
            ends: Arc::new(Semaphore::new(ends)),
            failures: Arc::default(),
        };
        let router = door(&stage, work.clone());
        Self {
            stage,
            work,
            router,
        }
    }

    async fn knock(&self, scheduled_at: &str) -> (u16, Value) {
        let proof = self.stage.gate.internal_auth().header().unwrap();
        let request = Request::post("/internal/jobs/count")
            .header("authorization", proof)
            .header(jobs::SCHEDULE_TIME, scheduled_at)
            .body(Body::empty())
            .unwrap();
        send(&self.router, request).await
    }

    async fn listed(&self) -> Value {
        let proof = self.stage.gate.internal_auth().header().unwrap();
        let request = Request::get("/internal/jobs")
            .header("authorization", proof)
            .body(Body::empty())
            .unwrap();
        let (status, list) = send(&self.router, request).await;
        assert_eq!(status, 200);
        list
    }
}

/// A process of its own over the same database.
fn door(stage: &Stage, work: Work) -> Router {
    let db = Db::lazy(&stage.database.login_url("relay"), 4).unwrap();
    let jobs = Jobs::default().job(&COUNT, |work: Work, run| async move {
        let begun = work.begun.fetch_add(1, Ordering::SeqCst) + 1;
        run.report(&json!({"begun": begun}));
        work.ends.acquire().await.unwrap().forget();
        let failing = work
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if failing.is_ok() {
            return Err(problem::UNAVAILABLE.problem());
        }
        work.ended.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Problem>(json!({"for": run.scheduled_at}))
    });
    let edge = Edge {
        clock: stage.clock.clone(),
        trusted_proxies: 0,
    };
    edge::wrap(jobs.routes(work, db, stage.gate.clone()), edge)
}

async fn send(router: &Router, request: Request<Body>) -> (u16, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A time near the standing clock.
fn at(place: &Place, minutes: i64) -> String {
    (place.stage.clock.now() + chrono::TimeDelta::minutes(minutes)).to_rfc3339()
}

#[tokio::test]
async fn a_run_that_is_started_ten_times_at_once_has_one_effect() {
    let place = Place::new(10).await;
    let other = door(&place.stage, place.work.clone());
    let time = at(&place, 0);
    let proof = place.stage.gate.internal_auth().header().unwrap();
    let knocks = (0..10).map(|n| {
        let router = if n % 2 == 0 { &place.router } else { &other };
        let request = Request::post("/internal/jobs/count")
            .header("authorization", proof.clone())
            .header(jobs::SCHEDULE_TIME, &time)
            .body(Body::empty())
            .unwrap();
        send(router, request)
    });
    let answers = join_all(knocks).await;
    for (status, body) in &answers {
        assert!(matches!(status, 200 | 409), "{status} {body}");
    }
    assert!(answers.iter().any(|(status, _)| *status == 200));
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 1);
    // Knocked once more, it says what was done.
    let (status, body) = place.knock(&time).await;
    assert_eq!((status, &body["status"]), (200, &json!("done")), "{body}");
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_is_refused_while_the_one_before_is_at_work() {
    let place = Arc::new(Place::new(0).await);
    let first = tokio::spawn({
        let place = place.clone();
        async move { place.knock(&at(&place, 0)).await }
    });
    while place.work.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (status, body) = place.knock(&at(&place, 1)).await;
    assert_eq!((status, &body["code"]), (409, &json!("job_running")));
    assert_eq!(
        place.listed().await[0]["last_run"]["status"],
        json!("running")
    );
    place.work.ends.add_permits(2);
    assert_eq!(first.await.unwrap().0, 200);
    assert_eq!(place.knock(&at(&place, 1)).await.0, 200);
    assert_eq!(place.work.ended.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_run_that_failed_is_tried_again_and_one_that_is_done_is_not() {
    let place = Place::new(9).await;
    place.work.failures.store(1, Ordering::SeqCst);
    let time = at(&place, 0);
    assert_eq!(place.knock(&time).await.0, 503);
    let failed = &place.listed().await[0]["last_run"];
    assert_eq!(
        (&failed["status"], &failed["failure"]),
        (&json!("failed"), &json!("unavailable"))
    );
    assert_eq!(place.knock(&time).await.0, 200);
    assert_eq!(place.knock(&time).await.0, 200);
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 2);
    let done = &place.listed().await[0]["last_run"];
    assert_eq!(
        (&done["status"], &done["attempts"]),
        (&json!("done"), &json!(2))
    );
}

#[tokio::test]
async fn a_run_whose_process_died_is_begun_again_after_its_lease() {
    let place = Place::new(9).await;
    let time = at(&place, 0);
    let started = place.stage.clock.now();
    sqlx::query(
        "insert into events.job_runs (function, job, scheduled_at, status, started_at, lease_until)
        values ('relay', 'count', $1, 'running', $1, $1 + interval '3 minutes')",
    )
    .bind(started)
    .execute(&mut place.stage.admin().await)
    .await
    .unwrap();
    assert_eq!(place.knock(&time).await.0, 409);
    place.stage.clock.advance(Duration::from_mins(3));
    assert_eq!(place.knock(&time).await.0, 200);
    assert_eq!(place.work.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn one_tenants_trouble_costs_no_other_its_visit_and_is_told() {
    let stage = Stage::of(&[]).await;
    let tenants: Vec<ids::TenantId> = (0..3).map(|_| ids::Id::at(stage.clock.now())).collect();
    let visited = Arc::new(AtomicUsize::new(0));
    let given = (tenants, visited.clone());
    let jobs = Jobs::default().job(
        &COUNT,
        |(tenants, visited): (Vec<ids::TenantId>, Arc<AtomicUsize>), run| async move {
            let mut visits = run.visits(tenants);
            while let Some(tenant) = visits.next_tenant() {
                let outcome = match visited.fetch_add(1, Ordering::SeqCst) {
                    1 => Err(problem::UNAVAILABLE.problem()),
                    _ => Ok(()),
                };
                visits.saw(tenant, outcome);
            }
            visits.end()
        },
    );
    let db = Db::lazy(&stage.database.login_url("relay"), 2).unwrap();
    let edge = Edge {
        clock: stage.clock.clone(),
        trusted_proxies: 0,
    };
    let router = edge::wrap(jobs.routes(given, db, stage.gate.clone()), edge);
    let proof = stage.gate.internal_auth().header().unwrap();
    let ask = |request: http::request::Builder| {
        let request = request.header("authorization", proof.clone());
        request.body(Body::empty()).unwrap()
    };
    let (status, _) = send(&router, ask(Request::post("/internal/jobs/count"))).await;
    assert_eq!((status, visited.load(Ordering::SeqCst)), (503, 3));
    let (_, listed) = send(&router, ask(Request::get("/internal/jobs"))).await;
    let last = &listed[0]["last_run"];
    assert_eq!(last["status"], json!("failed"));
    assert_eq!(
        last["progress"],
        json!({"tenants": 3, "done": 3, "failed": 1})
    );
}

/// A run that does not come to its end, once it has said how far it is.
async fn under_way() -> (Arc<Place>, tokio::task::JoinHandle<(u16, Value)>) {
    let place = Arc::new(Place::new(0).await);
    let run = tokio::spawn({
        let place = place.clone();
        async move { place.knock(&at(&place, 0)).await }
    });
    while place.listed().await[0]["last_run"]["progress"] != json!({"begun": 1}) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (place, run)
}

#[tokio::test]
async fn a_long_run_tells_how_far_it_is_and_stays_the_only_one() {
    let (place, _run) = under_way().await;
    place.stage.clock.advance(Duration::from_mins(2));
    // It says again that it lives, at this hour.
    let mut admin = place.stage.admin().await;
    let lives = "select lease_until - started_at > interval '4 minutes' from events.job_runs";
    while !sqlx::query_scalar::<_, bool>(lives)
        .fetch_one(&mut admin)
        .await
        .unwrap()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    place.stage.clock.advance(Duration::from_mins(2));
    assert_eq!(place.knock(&at(&place, 0)).await.0, 409);
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_that_counts_as_lost_breaks_off_before_another_is_beside_it_for_long() {
    let (place, run) = under_way().await;
    sqlx::query("update events.job_runs set status = 'lost', finished_at = now()")
        .execute(&mut place.stage.admin().await)
        .await
        .unwrap();
    let (status, body) = run.await.unwrap();
    assert!(matches!(status, 202 | 409), "{status} {body}");
    // Until it looks again, if its caller did not wait for that.
    tokio::time::sleep(Duration::from_secs(6)).await;
    place.work.ends.add_permits(1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(place.work.ended.load(Ordering::SeqCst), 0);
    let listed = &place.listed().await[0];
    assert_eq!(listed["last_run"]["status"], json!("lost"));
    assert_eq!(listed["last_finished_run"]["status"], json!("lost"));
}

#[tokio::test]
async fn while_a_run_is_under_way_the_last_result_is_still_there() {
    let place = Arc::new(Place::new(1).await);
    assert_eq!(place.knock(&at(&place, 0)).await.0, 200);
    let second = tokio::spawn({
        let place = place.clone();
        async move { place.knock(&at(&place, 1)).await }
    });
    while place.work.begun.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = &place.listed().await[0];
    assert_eq!(listed["last_run"]["status"], json!("running"));
    assert_eq!(listed["last_finished_run"]["status"], json!("done"));
    assert!(listed["last_finished_run"]["result"]["for"].is_string());
    place.work.ends.add_permits(1);
    assert_eq!(second.await.unwrap().0, 200);
}

#[tokio::test]
async fn nobody_starts_a_job_who_can_not_prove_to_be_the_platform() {
    let place = Place::new(9).await;
    let admin = place.stage.tenant("ours").await;
    let token = place.stage.token(&admin.admin);
    for proof in [
        None,
        Some("Bearer nonsense".to_owned()),
        Some(format!("Bearer {token}")),
    ] {
        let mut request = Request::post("/internal/jobs/count");
        if let Some(proof) = proof {
            request = request.header("authorization", proof);
        }
        let (status, body) = send(&place.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")));
    }
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_time_that_is_none_and_a_job_that_is_none_are_refused() {
    let place = Place::new(9).await;
    for time in ["soon", "2026-13-01T00:00:00Z", "1999-01-01T00:00:00Z", ""] {
        let (status, body) = place.knock(time).await;
        assert_eq!(
            (status, &body["code"]),
            (400, &json!("invalid_header")),
            "{time}"
        );
    }
    let proof = place.stage.gate.internal_auth().header().unwrap();
    for path in ["/internal/jobs/other", "/internal/jobs/%ff"] {
        let request = Request::post(path)
            .header("authorization", proof.clone())
            .body(Body::empty())
            .unwrap();
        let (status, _) = send(&place.router, request).await;
        assert!(matches!(status, 400 | 404), "{path} {status}");
    }
    assert_eq!(place.work.begun.load(Ordering::SeqCst), 0);
}
