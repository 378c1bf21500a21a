//! The contract between the contexts that publish events and those that consume them.

use std::collections::BTreeSet;

use access::Purpose;
use axum::body::Body;
use events::{Envelope, EventKind, push};
use http::{Request, header};
use http_body_util::BodyExt;
use ids::EventId;
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

#[tokio::test]
async fn every_consumer_accepts_the_example_of_every_event_that_it_subscribes_to() {
    let app = TestApp::of(functions::ALL).await;
    let tenant = app.tenant("demo").await.id;
    let keyring = app.state.keyring();
    let sealed = keyring.seal(Purpose::Notifications, tenant.uuid().as_bytes(), b"token");
    let sealed = sealed.unwrap();
    let mut accepted = 0;
    let mut failures = Vec::new();
    for (function, router) in app.internal() {
        let edge = Edge {
            clock: app.clock.clone(),
            trusted_proxies: 0,
        };
        let router = edge::wrap(router, edge);
        let subscriptions = functions::subscriptions();
        let own = subscriptions.iter().filter(|one| one.function == function);
        let types: BTreeSet<_> = own.flat_map(|one| &one.types).collect();
        for kind in kinds()
            .into_iter()
            .filter(|kind| types.contains(&kind.r#type.to_owned()))
        {
            let event = Envelope {
                id: EventId::at(app.clock.now()),
                time: app.clock.now(),
                tenant,
                sealed: Some(sealed.clone()),
                ..kind.example_envelope()
            };
            let request = Request::post(push::PATH)
                .header(header::CONTENT_TYPE, "application/json")
                .header(
                    header::AUTHORIZATION,
                    app.state.internal_auth().header().unwrap(),
                )
                .body(Body::from(push::wrap(&event, function, 1).to_string()))
                .unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            if status == 204 {
                accepted += 1;
                continue;
            }
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            // The reason begins with the consumer's name.
            failures.push(format!("{}: {status}, {}", kind.r#type, problem["reason"]));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(accepted > 20, "{accepted} events");
}
