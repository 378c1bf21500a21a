//! The event endpoint: authentication and invalid bodies.

use axum::{Router, body::Body};
use base64::{Engine, engine::general_purpose::STANDARD};
use events::{Envelope, push};
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::edge::{self, Edge};

use crate::harness::{RelayHarness, THING_HAPPENED, wrong_secret};

/// The function's router as it is served.
fn router(harness: &RelayHarness) -> Router {
    edge::wrap(
        harness.internal("listener"),
        Edge {
            clock: harness.clock().clone(),
            trusted_proxies: 0,
        },
    )
}

pub(crate) fn event(harness: &RelayHarness) -> Envelope {
    Envelope {
        id: ids::EventId::at(harness.clock().now()),
        source: "/support".to_owned(),
        r#type: THING_HAPPENED.to_owned(),
        subject: "tickets/1".to_owned(),
        time: harness.clock().now(),
        tenant: harness.tenant.id,
        version: 1,
        request_id: Some("r-1".to_owned()),
        traceparent: None,
        data: json!({}),
        sealed: None,
    }
}

async fn push_event(
    harness: &RelayHarness,
    proof: Option<&str>,
    body: impl Into<Body>,
) -> (u16, Value) {
    let mut request = Request::post(push::PATH).header("content-type", "application/json");
    if let Some(proof) = proof {
        request = request.header("authorization", proof);
    }
    let request = request.body(body.into()).unwrap();
    let response = router(harness).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn authorization(harness: &RelayHarness) -> String {
    let header = harness.app.state.internal_auth().header().unwrap();
    header.to_str().unwrap().to_owned()
}

/// A push message with arbitrary data instead of an event.
fn push_message(data: &[u8]) -> String {
    json!({"message": {"data": STANDARD.encode(data), "messageId": "1"}, "subscription": "s"})
        .to_string()
}

#[tokio::test]
async fn events_are_rejected_without_the_right_secret() {
    let harness = RelayHarness::new().await;
    let body = push::wrap(&event(&harness), "listener", 1).to_string();
    let token = harness.app.token(&harness.tenant.admin);
    let wrong_secret = wrong_secret().header().unwrap();
    let right = authorization(&harness);
    for wrong in [
        None,
        Some(""),
        Some("Bearer "),
        Some(&format!("Bearer {token}")),
        Some(wrong_secret.to_str().unwrap()),
        Some(&right["Bearer ".len()..]),
        Some(&format!("{right}0")),
    ] {
        let (status, problem) = push_event(&harness, wrong, body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (401, &json!("unauthenticated")),
            "{wrong:?}"
        );
    }
    assert!(harness.effects("listener").await.is_empty());
    assert_eq!(push_event(&harness, Some(&right), body).await.0, 204);
    assert_eq!(harness.effects("listener").await.len(), 1);
}

#[tokio::test]
async fn concurrent_deliveries_of_one_event_take_effect_once() {
    let harness = RelayHarness::new().await;
    let body = push::wrap(&event(&harness), "listener", 1).to_string();
    let right = authorization(&harness);
    let pushes = (0..10).map(|_| push_event(&harness, Some(&right), body.clone()));
    for (status, _) in futures::future::join_all(pushes).await {
        assert_eq!(status, 204);
    }
    assert_eq!(
        harness
            .effects("listener")
            .await
            .into_values()
            .collect::<Vec<_>>(),
        [1]
    );
}

/// The sender knows a newer version of this function, which is being rolled out.
#[tokio::test]
async fn an_unknown_event_type_is_postponed() {
    let harness = RelayHarness::new().await;
    let mut event = event(&harness);
    event.r#type = "de.revalenz.support.thing.invented.v1".to_owned();
    let body = push::wrap(&event, "listener", 1).to_string();
    let (status, problem) = push_event(&harness, Some(&authorization(&harness)), body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("event_postponed")));
    assert_eq!(
        problem["reason"],
        "listener: there is no consumer for this type yet"
    );
    assert!(harness.effects("listener").await.is_empty());
}

#[tokio::test]
async fn an_event_of_an_unknown_tenant_is_poison() {
    let harness = RelayHarness::new().await;
    let mut event = event(&harness);
    event.tenant = ids::TenantId::at(harness.clock().now());
    let body = push::wrap(&event, "listener", 1).to_string();
    let (status, problem) = push_event(&harness, Some(&authorization(&harness)), body).await;
    assert_eq!((status, &problem["code"]), (422, &json!("event_refused")));
    assert_eq!(
        problem["reason"],
        "listener.notes: the tenant does not exist"
    );
}

#[tokio::test]
async fn a_body_that_is_not_an_event_gets_its_problem() {
    let harness = RelayHarness::new().await;
    let right = authorization(&harness);
    let good = serde_json::to_value(event(&harness)).unwrap();
    let tampered = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        push_message(document.to_string().as_bytes())
    };
    for (body, expected) in [
        (String::new(), (400, "invalid_json")),
        ("{".to_owned(), (400, "invalid_json")),
        ("[]".to_owned(), (422, "validation_failed")),
        ("{}".to_owned(), (422, "validation_failed")),
        (
            json!({"message": {"attributes": {"a": "b"}}}).to_string(),
            (422, "validation_failed"),
        ),
        (
            json!({"message": {"data": 5}}).to_string(),
            (422, "validation_failed"),
        ),
        (
            json!({"message": {"data": "%%%"}}).to_string(),
            (422, "validation_failed"),
        ),
        (push_message(b""), (400, "invalid_json")),
        (push_message(b"\xff\xfe"), (400, "invalid_json")),
        (push_message(b"{}"), (422, "validation_failed")),
        (tampered("id", json!("1")), (422, "validation_failed")),
        (
            tampered("tenantid", json!(null)),
            (422, "validation_failed"),
        ),
        (
            tampered("specversion", json!("2.0")),
            (422, "validation_failed"),
        ),
        (
            tampered("sequence", json!("many")),
            (422, "validation_failed"),
        ),
        (tampered("sealed", json!("%")), (422, "validation_failed")),
        (
            tampered("subject", json!("a\u{0}b")),
            (422, "validation_failed"),
        ),
        (
            tampered("data", json!({"a": "\u{0}"})),
            (422, "validation_failed"),
        ),
    ] {
        let (status, problem) = push_event(&harness, Some(&right), body.clone()).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            expected,
            "{body}"
        );
    }
    let (status, _) = push_event(&harness, Some(&right), vec![b' '; 2 << 20]).await;
    assert_eq!(status, 413);
    assert!(harness.effects("listener").await.is_empty());
}

/// An attribute of an event and an arbitrary value for it.
fn tampered_attribute() -> impl Strategy<Value = (String, Value)> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(Value::from),
        Just(json!("9999-12-31T23:59:60Z")),
        Just(json!("-0001-01-01T00:00:00Z")),
        Just(json!("+262142-12-31T23:59:59Z")),
    ];
    let names = [
        "id",
        "source",
        "type",
        "subject",
        "time",
        "tenantid",
        "sequence",
        "requestid",
        "sealed",
        "data",
    ];
    let name = proptest::sample::select(names.to_vec()).prop_map(str::to_owned);
    (name, value)
}

#[test]
fn no_input_causes_a_server_error() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let harness = runtime.block_on(RelayHarness::new());
    let right = authorization(&harness);
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(changes in proptest::collection::vec(tampered_attribute(), 1..3))| {
        let mut document = serde_json::to_value(event(&harness)).unwrap();
        for (name, value) in changes {
            document[name] = value;
        }
        let body = push_message(document.to_string().as_bytes());
        let (status, problem) = runtime.block_on(push_event(&harness, Some(&right), body));
        // An unknown type is postponed, not refused.
        let is_unknown_type = problem["reason"] == "this function: there is no consumer for this type yet";
        prop_assert!(status < 500 || is_unknown_type, "{} {}: {}", status, problem, document);
    });
}
