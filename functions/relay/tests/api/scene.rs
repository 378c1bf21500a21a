//! Functions that listen, and what they heard.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use access::{Gate, InternalAuth, ServiceAccounts};
use axum::{Router, body::Body, extract::FromRequestParts};
use db::{Actor, Db, TenantTx};
use events::{Announcement, ConsumeError, Consumers, Envelope, EventKind};
use futures::FutureExt;
use http::Request;
use http_body_util::BodyExt;
use ids::{EventId, TenantId};
use relay::{Delivery, InProcess, Limits, Relay, Routing, Transport};
use serde_json::{Value, json};
use testkit::{Stage, TestTenant, fake_issuer::FakeIssuer};
use tower::ServiceExt;
use web::{
    Clock, RequestInfo,
    edge::{self, Edge},
};

/// What is announced here.
pub(crate) static HEARD: EventKind = EventKind {
    r#type: "de.revalenz.support.thing.happened.v1",
    context: "support",
    doc: "Something happened.",
};
const TYPES: &[&str] = &["de.revalenz.support.thing.happened.v1"];

/// The audience of Google's tokens here, and the accounts that may come with them.
pub(crate) const AUDIENCE: &str = "https://revalenz.example/internal";
pub(crate) const RELAY: &str = "relay@project.iam.gserviceaccount.com";
pub(crate) const SCHEDULER: &str = "scheduler@project.iam.gserviceaccount.com";

/// What a listener does when an event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Retry,
    Away,
    Poison,
    Panic,
    Hang,
}

/// A listener: notes what it heard, and leaves a row for each effect.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    moods: Mutex<HashMap<(String, i64), VecDeque<Mood>>>,
    /// Effects that began, committed or not.
    pub(crate) heard: Mutex<Vec<Envelope>>,
}

impl Ear {
    /// For this event it is in these moods first.
    pub(crate) fn moods(&self, subject: &str, version: i64, moods: &[Mood]) {
        let key = (subject.to_owned(), version);
        let moods = moods.iter().copied().collect();
        self.moods.lock().unwrap().insert(key, moods);
    }

    /// Versions heard of a subject, in order.
    pub(crate) fn versions(&self, subject: &str) -> Vec<i64> {
        let heard = self.heard.lock().unwrap();
        let of = heard.iter().filter(|event| event.subject == subject);
        of.map(|event| event.version).collect()
    }

    fn mood(&self, event: &Envelope) -> Option<Mood> {
        let mut moods = self.moods.lock().unwrap();
        moods
            .get_mut(&(event.subject.clone(), event.version))?
            .pop_front()
    }
}

/// Not idempotent by itself: run twice, it leaves two rows.
async fn hear(
    (name, ear): &(&'static str, Arc<Ear>),
    tx: &mut TenantTx,
    event: &Envelope,
) -> Result<(), ConsumeError> {
    let row: [u8; 16] = access::opaque::random();
    sqlx::query(
        "insert into access.usage_events (tenant_id, source, source_id, metric, quantity, occurred_at)
        values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tx.tenant())
    .bind(name)
    .bind(format!("{row:?}"))
    .bind(&event.subject)
    .bind(event.version)
    .bind(event.time)
    .execute(tx.conn())
    .await
    .map_err(db::DbError::from)?;
    match ear.mood(event) {
        None => {
            ear.heard.lock().unwrap().push(event.clone());
            Ok(())
        }
        Some(Mood::Retry) => Err(ConsumeError::Retry("not now".to_owned())),
        Some(Mood::Away) => Err(ConsumeError::Unavailable("no mail server".to_owned())),
        Some(Mood::Poison) => Err(ConsumeError::Poison("not ever".to_owned())),
        Some(Mood::Panic) => panic!("a consumer's bug"),
        Some(Mood::Hang) => std::future::pending().await,
    }
}

/// Counts what is carried.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    inner: InProcess,
    pub(crate) carried: Arc<AtomicUsize>,
}

impl Transport for Counting {
    async fn deliver(&self, function: &str, event: &Envelope, attempt: i32) -> Delivery {
        self.carried.fetch_add(1, Ordering::SeqCst);
        self.inner.deliver(function, event, attempt).await
    }
}

/// A database, a tenant, and functions that listen.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) tenant: TestTenant,
    pub(crate) ears: BTreeMap<&'static str, Arc<Ear>>,
    pub(crate) carried: Arc<AtomicUsize>,
    /// Who is let in to the functions.
    pub(crate) gate: Gate,
    announcer: Db,
    pub(crate) relays: Db,
}

impl Scene {
    /// With these functions listening.
    pub(crate) async fn of(functions: &[&'static str]) -> Self {
        let stage = Stage::of(&[("relay", relay::service)]).await;
        let tenant = stage.tenant("demo").await;
        Self {
            announcer: warm(&stage.database.login_url("support"), 4).await,
            relays: warm(&stage.database.login_url("relay"), 2).await,
            ears: functions
                .iter()
                .map(|name| (*name, Arc::new(Ear::default())))
                .collect(),
            carried: Arc::default(),
            gate: stage.gate.clone(),
            stage,
            tenant,
        }
    }

    /// With one listener.
    pub(crate) async fn new() -> Self {
        Self::of(&["ear"]).await
    }

    /// Lets the service accounts of this issuer in as well.
    pub(crate) fn know(&mut self, issuer: &FakeIssuer) {
        issuer.follow(self.clock());
        let accounts = format!("{RELAY},{SCHEDULER}");
        let accounts = ServiceAccounts::of_issuer(&issuer.url(), AUDIENCE, &accounts, true);
        let keyring = self.stage.gate.keyring().clone();
        self.gate = Gate::with_internal_auth(
            self.relays.clone(),
            self.clock().clone(),
            keyring.clone(),
            self.stage.gate.settings().clone(),
            InternalAuth::derived(&keyring).with_accounts(Some(accounts.unwrap())),
        );
    }

    /// The first listener.
    pub(crate) fn ear(&self) -> &Ear {
        self.ears.values().next().unwrap()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.stage.clock
    }

    fn consumers(name: &'static str) -> Consumers<(&'static str, Arc<Ear>)> {
        Consumers::new(name).on("notes", TYPES, |ear, tx, event| {
            hear(ear, tx, event).boxed()
        })
    }

    /// What only the platform itself calls of a function.
    pub(crate) fn internal(&self, name: &'static str) -> Router {
        let gate = self.gate.clone();
        let state = (name, self.ears[name].clone());
        Self::consumers(name).routes(state, self.announcer.clone(), gate)
    }

    pub(crate) fn routing(&self) -> Routing {
        let all: Vec<_> = self
            .ears
            .keys()
            .flat_map(|name| Self::consumers(name).subscriptions())
            .collect();
        Routing::of(&all)
    }

    pub(crate) fn transport(&self) -> Counting {
        let auth = self.stage.gate.internal_auth();
        let mut inner = InProcess::new(auth, self.clock().clone());
        for name in self.ears.keys() {
            inner = inner.function(*name, self.internal(name));
        }
        Counting {
            inner,
            carried: self.carried.clone(),
        }
    }

    /// A relay to all listeners: gives up after three refusals, waits as long as it may.
    pub(crate) fn relay(&self) -> Relay<Counting> {
        self.relay_with(self.transport())
    }

    pub(crate) fn relay_with<T: Transport>(&self, transport: T) -> Relay<T> {
        let limits = Limits {
            refusals: 3,
            ..Limits::default()
        };
        Relay::new(
            self.relays.clone(),
            self.clock().clone(),
            transport,
            self.routing(),
        )
        .with_limits(limits)
        .with_chance(|| 1.0)
    }

    /// Announces a version of a subject.
    pub(crate) async fn announce(&self, subject: &str, version: i64) -> EventId {
        self.announce_all(self.tenant.id, &[(subject.to_owned(), version)], None)
            .await[0]
    }

    /// Announces many in one transaction.
    pub(crate) async fn announce_all(
        &self,
        tenant: TenantId,
        all: &[(String, i64)],
        sealed: Option<&[u8]>,
    ) -> Vec<EventId> {
        let (mut parts, ()) = Request::new(()).into_parts();
        let Ok(request) = RequestInfo::from_request_parts(&mut parts, &()).await;
        let mut tx = self.announcer.begin(tenant, Actor::SYSTEM).await.unwrap();
        let mut ids = Vec::new();
        for (subject, version) in all {
            let announcement = Announcement {
                kind: &HEARD,
                subject: subject.clone(),
                version: *version,
                data: json!({"version": version}),
                sealed: sealed.map(<[u8]>::to_vec),
            };
            let now = self.clock().now();
            let id = events::announce(&mut tx, &request, now, announcement).await;
            ids.push(id.unwrap());
        }
        tx.commit().await.unwrap();
        ids
    }

    /// Committed effects: how often each version of each subject was taken by a function.
    pub(crate) async fn effects(&self, function: &str) -> BTreeMap<(String, i64), i64> {
        sqlx::query_as::<_, (String, i64, i64)>(
            "select metric, quantity, count(*) from access.usage_events where source = $1 group by 1, 2",
        )
        .bind(function)
        .fetch_all(&mut self.stage.admin().await)
        .await
        .unwrap()
        .into_iter()
        .map(|(subject, version, count)| ((subject, version), count))
        .collect()
    }

    /// How many announcements are not settled.
    pub(crate) async fn waiting(&self) -> i64 {
        sqlx::query_scalar("select count(*) from events.outbox where published_at is null")
            .fetch_one(&mut self.stage.admin().await)
            .await
            .unwrap()
    }

    /// What the scheduler's knock at one of the relay's own doors is answered.
    pub(crate) async fn knock(&self, path: &str) -> Value {
        let service = relay::service(self.relays.clone(), self.stage.gate.clone());
        let edge = Edge {
            clock: self.clock().clone(),
            trusted_proxies: 0,
        };
        let request = Request::post(path)
            .header(
                "authorization",
                self.stage.gate.internal_auth().header().unwrap(),
            )
            .body(Body::empty())
            .unwrap();
        let door = edge::wrap(service.internal, edge);
        let response = door.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    /// The platform itself, as a caller of the relay's own service.
    pub(crate) fn operator(&self) -> testkit::Client {
        let proof = self.stage.gate.internal_auth().header().unwrap();
        self.stage
            .stranger()
            .with("authorization", proof.to_str().unwrap())
    }
}

/// A pool whose connections are made before the clock that stands still is relied on: on a busy machine making one takes
/// longer than anybody waits for one, and whoever is sent away comes again later than the test thinks.
async fn warm(url: &str, connections: u32) -> Db {
    let db = Db::lazy(url, connections).unwrap();
    let mut held = Vec::new();
    while held.len() < connections as usize {
        held.extend(db.begin_unscoped().await.ok());
    }
    for tx in held {
        tx.commit().await.unwrap();
    }
    db
}

/// A proof that is none.
pub(crate) fn forged() -> InternalAuth {
    InternalAuth::parse("0123456789012345678901234567890123456789").unwrap()
}
