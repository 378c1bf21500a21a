//! The door through which events come in: who may, and what is no event.

use axum::{Router, body::Body};
use base64::{Engine, engine::general_purpose::STANDARD};
use events::{Envelope, push};
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::edge::{self, Edge};

use crate::scene::{HEARD, Scene, forged};

/// The function as it stands in the network.
fn door(scene: &Scene) -> Router {
    edge::wrap(
        scene.internal("ear"),
        Edge {
            clock: scene.clock().clone(),
            trusted_proxies: 0,
        },
    )
}

pub(crate) fn event(scene: &Scene) -> Envelope {
    Envelope {
        id: ids::EventId::at(scene.clock().now()),
        source: "/support".to_owned(),
        r#type: HEARD.r#type.to_owned(),
        subject: "tickets/1".to_owned(),
        time: scene.clock().now(),
        tenant: scene.tenant.id,
        version: 1,
        request_id: Some("r-1".to_owned()),
        traceparent: None,
        data: json!({}),
        sealed: None,
    }
}

async fn knock(scene: &Scene, proof: Option<&str>, body: impl Into<Body>) -> (u16, Value) {
    let mut request = Request::post(push::PATH).header("content-type", "application/json");
    if let Some(proof) = proof {
        request = request.header("authorization", proof);
    }
    let request = request.body(body.into()).unwrap();
    let response = door(scene).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn proof(scene: &Scene) -> String {
    let header = scene.stage.gate.internal_auth().header().unwrap();
    header.to_str().unwrap().to_owned()
}

/// A push of any text where the event should be.
fn pushed(data: &[u8]) -> String {
    json!({"message": {"data": STANDARD.encode(data), "messageId": "1"}, "subscription": "s"})
        .to_string()
}

#[tokio::test]
async fn without_the_right_secret_nothing_comes_in() {
    let scene = Scene::new().await;
    let body = push::wrap(&event(&scene), "ear", 1).to_string();
    let token = scene.stage.token(&scene.tenant.admin);
    let forged = forged().header().unwrap();
    let right = proof(&scene);
    for wrong in [
        None,
        Some(""),
        Some("Bearer "),
        Some(&format!("Bearer {token}")),
        Some(forged.to_str().unwrap()),
        Some(&right["Bearer ".len()..]),
        Some(&format!("{right}0")),
    ] {
        let (status, problem) = knock(&scene, wrong, body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (401, &json!("unauthenticated")),
            "{wrong:?}"
        );
    }
    assert!(scene.effects("ear").await.is_empty());
    assert_eq!(knock(&scene, Some(&right), body).await.0, 204);
    assert_eq!(scene.effects("ear").await.len(), 1);
}

#[tokio::test]
async fn the_same_event_again_and_at_the_same_time_runs_once() {
    let scene = Scene::new().await;
    let body = push::wrap(&event(&scene), "ear", 1).to_string();
    let right = proof(&scene);
    let knocks = (0..10).map(|_| knock(&scene, Some(&right), body.clone()));
    for (status, _) in futures::future::join_all(knocks).await {
        assert_eq!(status, 204);
    }
    assert_eq!(
        scene.effects("ear").await.into_values().collect::<Vec<_>>(),
        [1]
    );
}

/// Who brings it knows a newer version of this function, which is about to start.
#[tokio::test]
async fn what_nobody_listens_to_yet_comes_again() {
    let scene = Scene::new().await;
    let mut event = event(&scene);
    event.r#type = "de.revalenz.support.thing.invented.v1".to_owned();
    let body = push::wrap(&event, "ear", 1).to_string();
    let (status, problem) = knock(&scene, Some(&proof(&scene)), body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("event_postponed")));
    assert_eq!(problem["reason"], "ear: nobody here listens to it yet");
    assert!(scene.effects("ear").await.is_empty());
}

#[tokio::test]
async fn an_event_of_no_tenant_is_poison() {
    let scene = Scene::new().await;
    let mut event = event(&scene);
    event.tenant = ids::TenantId::at(scene.clock().now());
    let body = push::wrap(&event, "ear", 1).to_string();
    let (status, problem) = knock(&scene, Some(&proof(&scene)), body).await;
    assert_eq!((status, &problem["code"]), (422, &json!("event_refused")));
    assert_eq!(problem["reason"], "ear.notes: there is no such tenant");
}

#[tokio::test]
async fn what_is_no_event_gets_its_problem() {
    let scene = Scene::new().await;
    let right = proof(&scene);
    let good = serde_json::to_value(event(&scene)).unwrap();
    let bent = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        pushed(document.to_string().as_bytes())
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
        (pushed(b""), (400, "invalid_json")),
        (pushed(b"\xff\xfe"), (400, "invalid_json")),
        (pushed(b"{}"), (422, "validation_failed")),
        (bent("id", json!("1")), (422, "validation_failed")),
        (bent("tenantid", json!(null)), (422, "validation_failed")),
        (
            bent("specversion", json!("2.0")),
            (422, "validation_failed"),
        ),
        (bent("sequence", json!("many")), (422, "validation_failed")),
        (bent("sealed", json!("%")), (422, "validation_failed")),
        (
            bent("subject", json!("a\u{0}b")),
            (422, "validation_failed"),
        ),
        (
            bent("data", json!({"a": "\u{0}"})),
            (422, "validation_failed"),
        ),
    ] {
        let (status, problem) = knock(&scene, Some(&right), body.clone()).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            expected,
            "{body}"
        );
    }
    let (status, _) = knock(&scene, Some(&right), vec![b' '; 2 << 20]).await;
    assert_eq!(status, 413);
    assert!(scene.effects("ear").await.is_empty());
}

/// Some attribute of an event, replaced by something else.
fn bend() -> impl Strategy<Value = (String, Value)> {
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
fn nothing_that_comes_in_is_our_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = runtime.block_on(Scene::new());
    let right = proof(&scene);
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(bends in proptest::collection::vec(bend(), 1..3))| {
        let mut document = serde_json::to_value(event(&scene)).unwrap();
        for (name, value) in bends {
            document[name] = value;
        }
        let body = pushed(document.to_string().as_bytes());
        let (status, problem) = runtime.block_on(knock(&scene, Some(&right), body));
        // A bent type is one to which nobody listens yet.
        let unheard = problem["reason"] == "this function: nobody here listens to it yet";
        prop_assert!(status < 500 || unheard, "{} {}: {}", status, problem, document);
    });
}
