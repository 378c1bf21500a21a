//! A database, functions that record the events they receive, and a relay between them.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use access::{AppState, InternalAuth, ServiceAccounts};
use axum::{Router, body::Body, extract::FromRequestParts};
use db::{Actor, Db};
use events::{ConsumeError, Consumers, Envelope, Event, EventKind, EventSchema, UnitOfWork};
use http::Request;
use http_body_util::BodyExt;
use ids::{EventId, TenantId};
use relay::{DeliveryOutcome, InProcess, Limits, OutboxDispatcher, Routing, Transport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testkit::{TestApp, TestTenant, fake_issuer::FakeIssuer};
use tower::ServiceExt;
use utoipa::ToSchema;
use web::{
    Clock, RequestInfo,
    edge::{self, Edge},
};

/// The event of these tests, about any subject.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ThingHappened {
    #[serde(skip)]
    subject: String,
    version: i64,
}

/// A listener that receives an event about the first publishes one about the second.
pub(crate) const PUBLISHING_SUBJECT: &str = "tickets/publishing";
pub(crate) const PUBLISHED_SUBJECT: &str = "tickets/published";

/// The type of the event.
pub(crate) const THING_HAPPENED: &str = "de.revalenz.support.thing.happened.v1";

impl Event for ThingHappened {
    const KIND: &'static EventKind = &EventKind {
        r#type: THING_HAPPENED,
        context: "support",
        doc: "Something happened.",
        schema: EventSchema::of::<Self>,
        example: events::event::example::<Self>,
    };

    fn subject(&self) -> String {
        self.subject.clone()
    }

    fn example() -> Self {
        Self {
            subject: "tickets/1".to_owned(),
            version: 1,
        }
    }
}

events::consumed_events! {
    /// The event of these tests, as the listeners read it.
    ThingRead = [THING_HAPPENED] {}
}

/// The audience of Google's ID tokens and the accounts that are accepted.
pub(crate) const AUDIENCE: &str = "https://revalenz.example/internal";
pub(crate) const RELAY: &str = "relay@project.iam.gserviceaccount.com";
pub(crate) const SCHEDULER: &str = "scheduler@project.iam.gserviceaccount.com";

/// How a listener fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Retry,
    Unavailable,
    Poison,
    Panic,
    Hang,
}

/// A function that records received events and writes a row per effect.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    faults: Mutex<HashMap<(String, i64), VecDeque<Fault>>>,
    /// Effects that were started, committed or not.
    pub(crate) received: Mutex<Vec<Envelope>>,
}

impl Listener {
    /// Fails the next attempts of this event in this way.
    pub(crate) fn inject_faults(&self, subject: &str, version: i64, faults: &[Fault]) {
        let key = (subject.to_owned(), version);
        let faults = faults.iter().copied().collect();
        self.faults.lock().unwrap().insert(key, faults);
    }

    /// The versions received for a subject, in order.
    pub(crate) fn versions(&self, subject: &str) -> Vec<i64> {
        let received = self.received.lock().unwrap();
        let events = received.iter().filter(|event| event.subject == subject);
        events.map(|event| event.version).collect()
    }

    fn next_fault(&self, event: &Envelope) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        faults
            .get_mut(&(event.subject.clone(), event.version))?
            .pop_front()
    }
}

/// Deliberately not idempotent: a second run would write a second row.
async fn record_effect(
    (name, listener): &(&'static str, Arc<Listener>),
    unit: &mut UnitOfWork,
    event: &Envelope,
    _: ThingRead,
) -> Result<(), ConsumeError> {
    let row: [u8; 16] = access::opaque::random();
    sqlx::query(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, occurred_at)
        values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(unit.tenant())
    .bind(name)
    .bind(format!("{row:?}"))
    .bind(&event.subject)
    .bind(event.version)
    .bind(event.time)
    .execute(unit.conn())
    .await
    .map_err(db::DbError::from)?;
    if event.subject == PUBLISHING_SUBJECT {
        let published = ThingHappened {
            subject: PUBLISHED_SUBJECT.to_owned(),
            version: event.version,
        };
        unit.publish(event.version, published).await?;
    }
    match listener.next_fault(event) {
        None => {
            listener.received.lock().unwrap().push(event.clone());
            Ok(())
        }
        Some(Fault::Retry) => Err(ConsumeError::Retry("not now".to_owned())),
        Some(Fault::Unavailable) => Err(ConsumeError::Unavailable("no mail server".to_owned())),
        Some(Fault::Poison) => Err(ConsumeError::Poison("not ever".to_owned())),
        Some(Fault::Panic) => panic!("a consumer's bug"),
        Some(Fault::Hang) => std::future::pending().await,
    }
}

/// Counts delivery attempts.
#[derive(Clone, Debug)]
pub(crate) struct CountingTransport {
    inner: InProcess,
    pub(crate) delivery_count: Arc<AtomicUsize>,
}

impl Transport for CountingTransport {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> DeliveryOutcome {
        self.delivery_count.fetch_add(1, Ordering::SeqCst);
        self.inner.deliver(function, event, attempt).await
    }
}

/// A database, a tenant, and functions that subscribe.
pub(crate) struct RelayHarness {
    pub(crate) app: TestApp,
    pub(crate) tenant: TestTenant,
    pub(crate) listeners: BTreeMap<&'static str, Arc<Listener>>,
    pub(crate) delivery_count: Arc<AtomicUsize>,
    /// The state of the functions, which decides whom they accept.
    pub(crate) state: AppState,
    support_db: Db,
    pub(crate) relay_db: Db,
}

impl RelayHarness {
    /// A harness with these functions.
    pub(crate) async fn with_functions(functions: &[&'static str]) -> Self {
        let app = TestApp::new(&[("relay", relay::service)]).await;
        let tenant = app.tenant("demo").await;
        Self {
            support_db: connect_pool(&app.database.login_url("support"), 4).await,
            relay_db: connect_pool(&app.database.login_url("relay"), 2).await,
            listeners: functions
                .iter()
                .map(|name| (*name, Arc::new(Listener::default())))
                .collect(),
            delivery_count: Arc::default(),
            state: app.state.clone(),
            app,
            tenant,
        }
    }

    /// A harness with one function.
    pub(crate) async fn new() -> Self {
        Self::with_functions(&["listener"]).await
    }

    /// Also accepts the service accounts of this issuer.
    pub(crate) fn trust_issuer(&mut self, issuer: &FakeIssuer) {
        issuer.use_clock(self.clock());
        let accounts = format!("{RELAY},{SCHEDULER}");
        let accounts = ServiceAccounts::with_issuer(&issuer.url(), AUDIENCE, &accounts, true);
        let keyring = self.app.state.keyring().clone();
        self.state = AppState::with_internal_auth(
            self.relay_db.clone(),
            self.clock().clone(),
            keyring.clone(),
            self.app.state.settings().clone(),
            InternalAuth::derived(&keyring).with_accounts(Some(accounts.unwrap())),
        );
    }

    /// The first listener.
    pub(crate) fn listener(&self) -> &Listener {
        self.listeners.values().next().unwrap()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.app.clock
    }

    fn consumers(name: &'static str) -> Consumers<(&'static str, Arc<Listener>)> {
        Consumers::new(name).on("notes", record_effect)
    }

    /// The internal routes of a function.
    pub(crate) fn internal(&self, name: &'static str) -> Router {
        let listener = (name, self.listeners[name].clone());
        Self::consumers(name).routes(listener, self.support_db.clone(), self.state.clone())
    }

    pub(crate) fn routing(&self) -> Routing {
        let subscriptions: Vec<_> = self
            .listeners
            .keys()
            .flat_map(|name| Self::consumers(name).subscriptions())
            .collect();
        Routing::from_subscriptions(&subscriptions)
    }

    pub(crate) fn transport(&self) -> CountingTransport {
        let auth = self.app.state.internal_auth();
        let mut inner = InProcess::new(auth, self.clock().clone());
        for name in self.listeners.keys() {
            inner = inner.with_function(*name, self.internal(name));
        }
        CountingTransport {
            inner,
            delivery_count: self.delivery_count.clone(),
        }
    }

    /// A dispatcher to all functions that parks after three refusals and uses the full backoff.
    pub(crate) fn dispatcher(&self) -> OutboxDispatcher<CountingTransport> {
        self.dispatcher_with(self.transport())
    }

    pub(crate) fn dispatcher_with<T: Transport>(&self, transport: T) -> OutboxDispatcher<T> {
        let limits = Limits {
            refusals: 3,
            ..Limits::default()
        };
        OutboxDispatcher::new(
            self.relay_db.clone(),
            self.clock().clone(),
            transport,
            self.routing(),
        )
        .with_limits(limits)
        .with_jitter(|| 1.0)
    }

    /// Announces a version of a subject.
    pub(crate) async fn announce(&self, subject: &str, version: i64) -> EventId {
        self.announce_all(self.tenant.id, &[(subject.to_owned(), version)], None)
            .await[0]
    }

    /// Announces several versions in one transaction.
    pub(crate) async fn announce_all(
        &self,
        tenant: TenantId,
        announcements: &[(String, i64)],
        sealed: Option<&[u8]>,
    ) -> Vec<EventId> {
        let (mut parts, ()) = Request::new(()).into_parts();
        let Ok(request) = RequestInfo::from_request_parts(&mut parts, &()).await;
        let now = self.clock().now();
        let tx = self.support_db.begin(tenant, Actor::SYSTEM, now).await;
        let mut unit = UnitOfWork::from_transaction(tx.unwrap(), &request);
        let mut ids = Vec::new();
        for (subject, version) in announcements {
            let event = ThingHappened {
                subject: subject.clone(),
                version: *version,
            };
            let id = match sealed {
                Some(sealed) => unit.publish_sealed(*version, event, sealed.to_vec()).await,
                None => unit.publish(*version, event).await,
            };
            ids.push(id.unwrap());
        }
        unit.commit().await.unwrap();
        ids
    }

    /// Committed effects of a function: how often each version of each subject was processed.
    pub(crate) async fn effects(&self, function: &str) -> BTreeMap<(String, i64), i64> {
        sqlx::query_as::<_, (String, i64, i64)>(
            "select metric, quantity, count(*) from access.usage_events where source = $1 group by 1, 2",
        )
        .bind(function)
        .fetch_all(&mut self.app.admin().await)
        .await
        .unwrap()
        .into_iter()
        .map(|(subject, version, count)| ((subject, version), count))
        .collect()
    }

    /// Number of announcements that are not published.
    pub(crate) async fn count_unpublished(&self) -> i64 {
        sqlx::query_scalar("select count(*) from events.outbox where published_at is null")
            .fetch_one(&mut self.app.admin().await)
            .await
            .unwrap()
    }

    /// Calls an internal endpoint of the relay as the scheduler does.
    pub(crate) async fn call_internal(&self, path: &str) -> Value {
        let service = relay::service(self.relay_db.clone(), self.app.state.clone());
        let edge = Edge {
            clock: self.clock().clone(),
            trusted_proxies: 0,
        };
        let request = Request::post(path)
            .header(
                "authorization",
                self.app.state.internal_auth().header().unwrap(),
            )
            .body(Body::empty())
            .unwrap();
        let router = edge::wrap(service.internal, edge);
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    /// A client that authenticates as the platform.
    pub(crate) fn operator(&self) -> testkit::Client {
        let proof = self.app.state.internal_auth().header().unwrap();
        self.app
            .anonymous()
            .with("authorization", proof.to_str().unwrap())
    }
}

/// A pool with established connections. On a busy machine connecting can exceed the acquire timeout, and the retry would come
/// later than the test's fixed clock expects.
async fn connect_pool(url: &str, connections: u32) -> Db {
    let db = Db::connect_lazy(url, connections).unwrap();
    let mut transactions = Vec::new();
    while transactions.len() < connections as usize {
        transactions.extend(db.begin_unscoped().await.ok());
    }
    for tx in transactions {
        tx.commit().await.unwrap();
    }
    db
}

/// A secret that no function accepts.
pub(crate) fn wrong_secret() -> InternalAuth {
    InternalAuth::parse("0123456789012345678901234567890123456789").unwrap()
}
