//! The contract between the contexts that publish events and those that consume them.

use std::collections::BTreeSet;

use access::Purpose;
use axum::body::Body;
use events::{Envelope, EventKind, push};
use http::{Request, header};
use http_body_util::BodyExt;
use ids::{EventId, TenantId};
use platform::functions;
use serde_json::Value;
use testkit::TestApp;
use tower::ServiceExt;
use web::edge::{self, Edge};

/// Every declaration of an event. Tenancy publishes one on behalf of identity, which both declare.
fn kinds() -> Vec<&'static EventKind> {
    let own = functions::ALL.iter().flat_map(|context| context.events);
    own.chain(tenancy::events::on_behalf_of_identity::ALL)
        .copied()
        .collect()
}

#[test]
fn every_event_has_fields_and_an_example_with_exactly_these() {
    let mut failures = Vec::new();
    for kind in kinds() {
        let schema = (kind.schema)().to_json();
        let names = |value: &Value| -> BTreeSet<String> {
            value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect()
        };
        let fields = names(&schema["properties"]);
        let example = (kind.example)();
        if fields.is_empty() || fields != names(&example.data) {
            failures.push(format!(
                "{}: fields {fields:?}, example {}",
                kind.r#type, example.data
            ));
        }
        if !example.subject.contains('/') {
            failures.push(format!("{}: subject {:?}", kind.r#type, example.subject));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn consumers_read_only_fields_that_the_event_has() {
    let mut failures = Vec::new();
    for subscription in functions::subscriptions() {
        for (r#type, read) in &subscription.fields {
            let declared: Vec<_> = kinds()
                .into_iter()
                .filter(|kind| kind.r#type == r#type)
                .collect();
            if declared.is_empty() {
                failures.push(format!("no context publishes {type}"));
            }
            for kind in declared {
                let fields = (kind.schema)().field_paths();
                let missing: Vec<_> = read.difference(&fields).collect();
                if !missing.is_empty() {
                    failures.push(format!(
                        "{}.{} reads {missing:?} of {type}, which has {fields:?}",
                        subscription.function, subscription.consumer
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every function over one database, and a tenant.
struct Subscribers {
    app: TestApp,
    tenant: TenantId,
    sealed: Vec<u8>,
}

impl Subscribers {
    async fn new() -> Self {
        let app = TestApp::of(functions::ALL).await;
        let tenant = app.tenant("demo").await.id;
        let context = tenant.uuid();
        let keyring = app.state.keyring();
        let sealed = keyring.seal(Purpose::Notifications, context.as_bytes(), b"token");
        Self {
            app,
            tenant,
            sealed: sealed.unwrap(),
        }
    }

    /// The example of an event, in the tenant and with a one-time link.
    fn example(&self, kind: &EventKind) -> Envelope {
        Envelope {
            id: EventId::at(self.app.clock.now()),
            time: self.app.clock.now(),
            tenant: self.tenant,
            sealed: Some(self.sealed.clone()),
            ..kind.example_envelope()
        }
    }

    /// Pushes an event to every function that subscribes to it. Returns the refusals; each begins with the consumer's name.
    async fn push(&self, event: &Envelope) -> Vec<String> {
        let subscriptions = functions::subscriptions();
        let mut refusals = Vec::new();
        for (function, router) in self.app.internal() {
            let own = subscriptions.iter().filter(|one| one.function == function);
            if !own.flat_map(|one| &one.types).any(|of| *of == event.r#type) {
                continue;
            }
            let edge = Edge {
                clock: self.app.clock.clone(),
                trusted_proxies: 0,
            };
            let proof = self.app.state.internal_auth().header().unwrap();
            let request = Request::post(push::PATH)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, proof)
                .body(Body::from(push::wrap(event, function, 1).to_string()))
                .unwrap();
            let response = edge::wrap(router, edge).oneshot(request).await.unwrap();
            let status = response.status();
            if status != 204 {
                let body = response.into_body().collect().await.unwrap().to_bytes();
                let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
                refusals.push(format!("{}, {status}, {}", problem["reason"], event.r#type));
            }
        }
        refusals
    }
}

#[tokio::test]
async fn every_consumer_accepts_the_example_of_every_event_that_it_subscribes_to() {
    let subscribers = Subscribers::new().await;
    let mut refusals = Vec::new();
    for kind in kinds() {
        refusals.extend(subscribers.push(&subscribers.example(kind)).await);
    }
    assert!(refusals.is_empty(), "{}", refusals.join("\n"));
}

#[tokio::test]
async fn a_renamed_field_is_refused_by_the_consumer_that_reads_it() {
    let subscribers = Subscribers::new().await;
    let all = kinds();
    let failing = all
        .iter()
        .find(|kind| kind.r#type == "de.revalenz.tenancy.domain.failing.v1");
    let mut event = subscribers.example(failing.unwrap());
    let data = event.data.as_object_mut().unwrap();
    let time = data.remove("released_at").unwrap();
    data.insert("let_go_at".to_owned(), time);
    let refusals = subscribers.push(&event).await;
    assert_eq!(
        refusals,
        [
            "\"notifications.organisation: data: missing field `released_at`\", 422 Unprocessable Entity, \
             de.revalenz.tenancy.domain.failing.v1"
        ]
    );
}
