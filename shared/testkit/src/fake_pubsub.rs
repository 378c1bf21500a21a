//! An emulator of Google Pub/Sub: publishing over gRPC, topics and subscriptions over REST, and push delivery with ID tokens of
//! a service account, with shorter delays than Google's.
//!
//! It implements exactly Google's guarantees: at-least-once delivery; messages of one ordering key are delivered in order, and
//! redelivery of one also redelivers the following ones; messages refused too often go to the dead-letter topic.

mod ordered_queue;
mod wire;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{post, put},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use web::Clock;

use crate::fake_issuer::FakeIssuer;

/// A running emulator; stops with the test's runtime.
#[derive(Clone, Debug)]
pub struct FakePubSub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: String,
    issuer: FakeIssuer,
    clock: Clock,
    http: reqwest::Client,
    state: Mutex<Inventory>,
    next_id: AtomicU64,
    pushes: AtomicU64,
}

/// Topics, each with its subscriptions.
#[derive(Debug, Default)]
struct Inventory {
    topics: BTreeMap<String, Vec<Arc<Subscription>>>,
    /// Whether publishing fails.
    is_unavailable: bool,
}

/// A subscription as configured.
#[derive(Debug)]
struct Subscription {
    name: String,
    endpoint: String,
    account: String,
    audience: String,
    ack_deadline: Duration,
    ordered: bool,
    retry: (Duration, Duration),
    dead_letters: Option<(String, u32)>,
    queues: Mutex<BTreeMap<String, mpsc::UnboundedSender<Message>>>,
}

/// A message.
#[derive(Clone, Debug)]
struct Message {
    id: u64,
    data: Vec<u8>,
    attributes: BTreeMap<String, String>,
    ordering_key: String,
}

impl FakePubSub {
    /// Starts an emulator on a free port. Its tokens are signed by this issuer with times of this clock.
    pub async fn start(issuer: &FakeIssuer, clock: &Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            inner: Arc::new(Inner {
                address: format!("http://{}", listener.local_addr().unwrap()),
                issuer: issuer.clone(),
                clock: clock.clone(),
                http: reqwest::Client::builder().no_proxy().build().unwrap(),
                state: Mutex::default(),
                next_id: AtomicU64::new(1),
                pushes: AtomicU64::new(0),
            }),
        };
        let router = Router::new()
            .route("/google.pubsub.v1.Publisher/Publish", post(wire::publish))
            .route("/v1/projects/{project}/topics/{topic}", put(put_topic))
            .route(
                "/v1/projects/{project}/subscriptions/{subscription}",
                put(put_subscription),
            )
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// The URL.
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// Number of pushes.
    pub fn pushes(&self) -> u64 {
        self.inner.pushes.load(Ordering::SeqCst)
    }

    /// Makes publishing fail; stored messages are still pushed.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.state().is_unavailable = unavailable;
    }

    /// Creates a resource over REST, as Terraform does.
    pub async fn put(&self, name: &str, body: Value) {
        let url = format!("{}/v1/{name}", self.inner.address);
        let request = self.inner.http.put(url).body(body.to_string());
        let answer = request.header("content-type", "application/json").send();
        assert_eq!(answer.await.unwrap().status(), 200, "{name}");
    }

    fn state(&self) -> MutexGuard<'_, Inventory> {
        self.inner.state.lock().unwrap()
    }

    /// Adds a message to all subscriptions of the topic, and returns its id; `None` if the topic does not exist.
    fn publish(&self, topic: &str, mut message: Message) -> Option<String> {
        let subscriptions = self.state().topics.get(topic)?.clone();
        message.id = self.inner.next_id.fetch_add(1, Ordering::SeqCst);
        let id = message.id.to_string();
        for subscription in subscriptions {
            ordered_queue::push(self, &subscription, message.clone());
        }
        Some(id)
    }
}

async fn put_topic(
    State(fake): State<FakePubSub>,
    Path((project, topic)): Path<(String, String)>,
) -> Json<Value> {
    let name = format!("projects/{project}/topics/{topic}");
    fake.state().topics.entry(name.clone()).or_default();
    Json(json!({"name": name}))
}

/// A duration in Google's JSON format: `"10s"`.
fn duration(value: &Value, default: f64) -> Duration {
    let seconds = value
        .as_str()
        .and_then(|text| text.strip_suffix('s')?.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(default))
}

async fn put_subscription(
    State(fake): State<FakePubSub>,
    Path((project, subscription)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (push, policy) = (&body["pushConfig"], &body["deadLetterPolicy"]);
    let dead_letters = policy.is_object().then(|| {
        let max = u32::try_from(policy["maxDeliveryAttempts"].as_u64().unwrap()).unwrap();
        assert!((5..=100).contains(&max), "Google allows 5 to 100 attempts");
        (text(&policy["deadLetterTopic"]), max)
    });
    let subscription = Subscription {
        name: format!("projects/{project}/subscriptions/{subscription}"),
        endpoint: text(&push["pushEndpoint"]),
        account: text(&push["oidcToken"]["serviceAccountEmail"]),
        audience: text(&push["oidcToken"]["audience"]),
        ack_deadline: Duration::from_secs(body["ackDeadlineSeconds"].as_u64().unwrap_or(10)),
        ordered: body["enableMessageOrdering"] == true,
        retry: (
            duration(&body["retryPolicy"]["minimumBackoff"], 10.0),
            duration(&body["retryPolicy"]["maximumBackoff"], 600.0),
        ),
        dead_letters,
        queues: Mutex::default(),
    };
    let mut state = fake.state();
    let topic = state.topics.get_mut(body["topic"].as_str().unwrap());
    topic
        .expect("the topic does not exist")
        .push(Arc::new(subscription));
    Json(body)
}
