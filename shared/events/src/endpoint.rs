//! The door through which events come in.

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
    ConsumeError, Consumers, Envelope,
    consumers::Consumer,
    error::{EVENT_POSTPONED, EVENT_REFUSED},
    inbox,
    push::{self, Push},
};

/// How long one consumer may take, waiting for a connection included.
const CONSUMER_LIMIT: Duration = Duration::from_secs(5);
/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 500;

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

/// Takes an event: `204` when every consumer of its type is done with it, or has been before. Whoever brings one to which nobody
/// here listens knows a newer version of this function, which is being rolled out: it comes again.
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
        tracing::warn!(event = %event.id, r#type = event.r#type, "event to which nobody listens");
        let function = body.value.attribute(push::FUNCTION);
        let unheard = ConsumeError::Retry("nobody here listens to it yet".to_owned());
        return Err(problem(function.unwrap_or("this function"), &unheard));
    }
    let runs = listening.into_iter().map(|consumer| {
        let run = run(&inner, consumer, &event);
        async move { (consumer, run.await) }
    });
    // Side by side: two slow ones together still answer within the budget.
    let mut refusals = Vec::new();
    for (consumer, outcome) in join_all(runs).await {
        let Err(error) = outcome else { continue };
        tracing::warn!(consumer = consumer.name, event = %event.id, r#type = event.r#type, %error, "event not taken");
        refusals.push((consumer, error));
    }
    // One that wants to see it again outweighs one that never wants to.
    refusals.sort_by_key(|(_, error)| rank(error));
    match refusals.first() {
        None => Ok(StatusCode::NO_CONTENT),
        Some((consumer, error)) => Err(problem(&consumer.name, error)),
    }
}

/// One consumer, whatever it does: a panic or a long silence costs one try.
async fn run<S>(
    inner: &Inner<S>,
    consumer: &Consumer<S>,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let attempt = AssertUnwindSafe(effect(inner, consumer, event)).catch_unwind();
    match tokio::time::timeout(CONSUMER_LIMIT, attempt).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(ConsumeError::Retry("the consumer panicked".to_owned())),
        Err(_elapsed) => Err(ConsumeError::Retry(format!(
            "the consumer took longer than {CONSUMER_LIMIT:?}"
        ))),
    }
}

/// The effect and its inbox row, in one transaction.
async fn effect<S>(
    inner: &Inner<S>,
    consumer: &Consumer<S>,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let mut tx = inner.db.begin(event.tenant, Actor::SYSTEM).await?;
    let now = inner.app.clock().now();
    if inbox::insert_once(&mut tx, &consumer.name, event.id, now).await? {
        (consumer.handler)(&inner.state, &mut tx, event).await?;
    }
    tx.commit().await?;
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
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    kind.problem()
        .member("reason", format!("{consumer}: {reason}"))
        .argument("consumer", consumer)
        .argument("reason", reason)
}
