//! The endpoint that receives events.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use access::{AppState, InternalCaller};
use axum::{
    Router,
    extract::{FromRef, State},
    routing::post,
};
use db::{Actor, Db};
use futures::{FutureExt, future::join_all};
use http::StatusCode;
use web::{Language, Problem, RequestInfo, ValidJson, problem, request::CallerInfo};

use crate::{
    ConsumeError, Consumers, Envelope, UnitOfWork,
    consumers::Consumer,
    error::{EVENT_POSTPONED, EVENT_REFUSED},
    inbox,
    push::{self, Push},
};

/// Time limit of a consumer, including the wait for a database connection.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of a reason in characters.
const MAX_REASON_LENGTH: usize = 500;

struct Inner<S> {
    consumers: Consumers<S>,
    state: S,
    db: Db,
    app: AppState,
}

struct Endpoint<S>(Arc<Inner<S>>);

impl<S> Clone for Endpoint<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> FromRef<Endpoint<S>> for AppState {
    fn from_ref(endpoint: &Endpoint<S>) -> Self {
        endpoint.0.app.clone()
    }
}

pub(crate) fn routes<S: Send + Sync + 'static>(
    consumers: Consumers<S>,
    state: S,
    db: Db,
    app: AppState,
) -> Router {
    let endpoint = Endpoint(Arc::new(Inner {
        consumers,
        state,
        db,
        app,
    }));
    Router::new()
        .route(push::PATH, post(receive_event::<S>))
        .with_state(endpoint)
}

/// Receives an event: `204` once every consumer of its type has processed it. An event without a consumer is refused with
/// `503`, because a newer version of this function that consumes it is probably being deployed.
async fn receive_event<S: Send + Sync + 'static>(
    State(Endpoint(inner)): State<Endpoint<S>>,
    _caller: InternalCaller,
    request: RequestInfo,
    body: ValidJson<Push>,
) -> Result<StatusCode, Problem> {
    let event = body.value.open()?;
    request.set_caller(CallerInfo {
        tenant: event.tenant,
        actor: Actor::SYSTEM.to_string(),
        language: Language::En,
    });
    let listening: Vec<_> = inner.consumers.of_type(&event.r#type).collect();
    if listening.is_empty() {
        tracing::warn!(event = %event.id, r#type = event.r#type, "event without a consumer");
        let function = body.value.attribute(push::FUNCTION);
        let no_consumer = ConsumeError::Retry("there is no consumer for this type yet".to_owned());
        return Err(problem(function.unwrap_or("this function"), &no_consumer));
    }
    let runs = listening.into_iter().map(|consumer| {
        let run = run(&inner, consumer, &request, &event);
        async move { (consumer, run.await) }
    });
    // Concurrently: two slow consumers together still finish within the time limit.
    let mut refusals = Vec::new();
    for (consumer, outcome) in join_all(runs).await {
        let Err(error) = outcome else { continue };
        tracing::warn!(consumer = consumer.name, event = %event.id, r#type = event.r#type, %error, "event not processed");
        refusals.push((consumer, error));
    }
    // A consumer that needs a retry takes precedence over one that refuses the event for good.
    refusals.sort_by_key(|(_, error)| rank(error));
    match refusals.first() {
        None => Ok(StatusCode::NO_CONTENT),
        Some((consumer, error)) => Err(problem(&consumer.name, error)),
    }
}

/// Runs one consumer. A panic or a timeout costs one attempt.
async fn run<S>(
    inner: &Inner<S>,
    consumer: &Consumer<S>,
    request: &RequestInfo,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let attempt = AssertUnwindSafe(effect(inner, consumer, request, event)).catch_unwind();
    match tokio::time::timeout(CONSUMER_TIMEOUT, attempt).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(ConsumeError::Retry("the consumer panicked".to_owned())),
        Err(_elapsed) => Err(ConsumeError::Retry(format!(
            "the consumer took longer than {CONSUMER_TIMEOUT:?}"
        ))),
    }
}

/// Runs the handler and records the event in the inbox, in one transaction.
async fn effect<S>(
    inner: &Inner<S>,
    consumer: &Consumer<S>,
    request: &RequestInfo,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let now = inner.app.clock().now();
    let tx = inner.db.begin(event.tenant, Actor::SYSTEM, now).await?;
    let mut unit = UnitOfWork::from_transaction(tx, request);
    if inbox::insert_once(&mut unit, &consumer.name, event.id).await? {
        (consumer.handler)(&inner.state, &mut unit, event).await?;
    }
    unit.into_transaction().commit().await?;
    Ok(())
}

fn rank(error: &ConsumeError) -> u8 {
    match error {
        ConsumeError::Retry(_) => 0,
        ConsumeError::Unavailable(_) => 1,
        ConsumeError::Poison(_) => 2,
    }
}

fn problem(consumer: &str, error: &ConsumeError) -> Problem {
    let (kind, reason) = match error {
        ConsumeError::Retry(reason) => (&EVENT_POSTPONED, reason),
        ConsumeError::Unavailable(reason) => (&problem::UNAVAILABLE, reason),
        ConsumeError::Poison(reason) => (&EVENT_REFUSED, reason),
    };
    let reason: String = reason.chars().take(MAX_REASON_LENGTH).collect();
    kind.problem()
        .member("reason", format!("{consumer}: {reason}"))
        .argument("consumer", consumer)
        .argument("reason", reason)
}
