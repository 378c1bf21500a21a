//! Google's own callers: a push and a scheduled call come in with the ID token of the right account, and with nothing else.

use axum::{Router, body::Body};
use events::push;
use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};
use testkit::fake_issuer::{Bend, FakeIssuer, KeyPair, KeySet};
use tower::ServiceExt;
use web::edge::{self, Edge};

use crate::scene::{AUDIENCE, RELAY, SCHEDULER, Scene};

/// Both doors behind a gate that knows two service accounts, and who signs for them.
struct Place {
    scene: Scene,
    issuer: FakeIssuer,
    key: KeyPair,
    doors: Router,
}

impl Place {
    async fn new() -> Self {
        let issuer = FakeIssuer::start().await;
        let key = KeyPair::rsa("of-google");
        issuer.rotate(key.clone());
        let mut scene = Scene::new().await;
        scene.know(&issuer);
        let jobs = relay::service(scene.relays.clone(), scene.gate.clone()).internal;
        let edge = Edge {
            clock: scene.clock().clone(),
            trusted_proxies: 0,
        };
        let doors = edge::wrap(scene.internal("ear").merge(jobs), edge);
        Self {
            scene,
            issuer,
            key,
            doors,
        }
    }

    /// What Google would say in a token.
    fn claims(&self) -> Value {
        let now = self.scene.clock().now().timestamp();
        json!({
            "iss": self.issuer.url(), "aud": AUDIENCE, "azp": "113", "sub": "113",
            "email": RELAY, "email_verified": true, "iat": now, "exp": now + 3_600,
        })
    }

    /// The same with other members; null takes one away.
    fn token(&self, members: Value) -> String {
        self.bent(Bend {
            claims: members,
            ..Bend::default()
        })
    }

    fn bent(&self, bend: Bend) -> String {
        let token = self.issuer.bend(bend).sign(&self.claims());
        self.issuer.bend(Bend::default());
        token
    }

    /// Knocks at both doors with these Authorization headers; the statuses.
    async fn knock(&self, headers: &[String]) -> [u16; 2] {
        let scene = &self.scene;
        let event = crate::door::event(scene);
        let body = push::wrap(&event, "ear", 1).to_string();
        let mut statuses = [0; 2];
        for (status, (path, body)) in statuses.iter_mut().zip([
            (push::PATH, Body::from(body)),
            ("/internal/jobs/tidy-events", Body::empty()),
        ]) {
            let mut request = Request::post(path).header("content-type", "application/json");
            for header in headers {
                request = request.header("authorization", header);
            }
            let request = request.body(body).unwrap();
            let answer = self.doors.clone().oneshot(request).await.unwrap();
            *status = answer.status().as_u16();
        }
        statuses
    }

    async fn knock_with(&self, token: &str) -> [u16; 2] {
        self.knock(&[format!("Bearer {token}")]).await
    }

    /// Effects and runs.
    async fn done(&self) -> (usize, i64) {
        let runs = sqlx::query_scalar("select count(*) from events.job_runs")
            .fetch_one(&mut self.scene.stage.admin().await)
            .await
            .unwrap();
        (self.scene.effects("ear").await.len(), runs)
    }
}

/// A token as it comes out of Cloud Run's own check.
fn stripped(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE")
}

/// Well signed, and not ours.
fn wrong_claims(place: &Place) -> Vec<(&'static str, String)> {
    let now = place.scene.clock().now().timestamp();
    vec![
        (
            "another audience",
            place.token(json!({"aud": "https://elsewhere.example"})),
        ),
        (
            "our audience among others",
            place.token(json!({"aud": [AUDIENCE]})),
        ),
        ("no audience", place.token(json!({"aud": null}))),
        (
            "another account",
            place.token(json!({"email": "other@project.iam.gserviceaccount.com"})),
        ),
        (
            "an account written differently",
            place.token(json!({"email": RELAY.to_uppercase()})),
        ),
        (
            "two accounts in one",
            place.token(json!({"email": format!("{RELAY},{SCHEDULER}")})),
        ),
        ("no account", place.token(json!({"email": null}))),
        (
            "an address that is not verified",
            place.token(json!({"email_verified": false})),
        ),
        (
            "one that is called verified",
            place.token(json!({"email_verified": "true"})),
        ),
        (
            "one of which nothing is said",
            place.token(json!({"email_verified": null})),
        ),
        (
            "expired",
            place.token(json!({"iat": now - 3_700, "exp": now - 31})),
        ),
        ("without end", place.token(json!({"exp": null}))),
        (
            "good for years",
            place.token(json!({"exp": now + 100_000_000})),
        ),
        ("not yet made", place.token(json!({"iat": now + 300}))),
        ("not yet good", place.token(json!({"nbf": now + 300}))),
        (
            "at the end of the calendar",
            place.token(json!({"exp": i64::MAX})),
        ),
    ]
}

/// Not signed as Google signs.
fn wrong_tokens(place: &Place) -> Vec<(&'static str, String)> {
    let good = place.token(json!({}));
    let unsigned = {
        let header = json!({"alg": "none", "typ": "JWT", "kid": "of-google"});
        testkit::fake_issuer::join(&header, &place.claims(), |_| Vec::new())
    };
    let key = |key: KeyPair| {
        place.bent(Bend {
            key: Some(key),
            ..Bend::default()
        })
    };
    let header = |header: Value| {
        place.bent(Bend {
            header,
            ..Bend::default()
        })
    };
    let public_key = place.key.public_key();
    vec![
        (
            "another issuer",
            place.token(json!({"iss": "https://issuer.example"})),
        ),
        (
            "another spelling of it",
            place.token(json!({"iss": "accounts.google.com"})),
        ),
        ("no signature", stripped(&good)),
        ("no algorithm", unsigned),
        ("an unknown key", key(KeyPair::rsa("unknown"))),
        ("a key of the same name", key(KeyPair::rsa("of-google"))),
        ("another kind of key", key(KeyPair::p256("of-google"))),
        (
            "the public key as a secret",
            key(KeyPair::hmac("of-google", &public_key)),
        ),
        ("no key", header(json!({"kid": null}))),
        ("another type", header(json!({"typ": "at+jwt"}))),
        ("something critical", header(json!({"crit": ["exp"]}))),
        (
            "a user's token",
            place.scene.stage.token(&place.scene.tenant.admin),
        ),
        ("cut off", good[..good.len() - 9].to_owned()),
        ("nothing", String::new()),
        ("longer than anybody's", "a".repeat(20_000)),
    ]
}

#[tokio::test]
async fn no_forged_call_is_accepted_at_either_door() {
    let place = Place::new().await;
    let good = place.token(json!({}));
    for (what, token) in wrong_claims(&place).iter().chain(&wrong_tokens(&place)) {
        assert_eq!(place.knock_with(token).await, [401, 401], "{what}");
    }
    for headers in [
        vec![],
        vec![format!("Basic {good}")],
        vec![good.clone()],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
    ] {
        assert_eq!(place.knock(&headers).await, [401, 401], "{headers:?}");
    }
    assert_eq!(place.done().await, (0, 0));
    assert_eq!(place.knock_with(&good).await, [204, 200]);
    assert_eq!(place.done().await, (1, 1));
}

#[tokio::test]
async fn each_account_and_the_secret_are_let_in() {
    let place = Place::new().await;
    assert_eq!(
        place
            .knock_with(&place.token(json!({"email": SCHEDULER})))
            .await,
        [204, 200]
    );
    let secret = place.scene.stage.gate.internal_auth().header().unwrap();
    let secret = secret.to_str().unwrap().to_owned();
    assert_eq!(place.knock(&[secret]).await, [204, 200]);
}

#[tokio::test]
async fn without_googles_keys_nobody_comes_in_and_everybody_may_come_again() {
    let place = Place::new().await;
    let token = place.token(json!({}));
    place.issuer.serve_keys(KeySet::Broken);
    assert_eq!(place.knock_with(&token).await, [503, 503]);
    assert_eq!(place.done().await, (0, 0));
    place.issuer.serve_keys(KeySet::Good);
    place
        .scene
        .clock()
        .advance(std::time::Duration::from_secs(10));
    assert_eq!(place.knock_with(&token).await, [204, 200]);
    // What is remembered is good while they are away.
    place.issuer.serve_keys(KeySet::Broken);
    assert_eq!(place.knock_with(&token).await, [204, 200]);
}

#[tokio::test]
async fn strangers_with_unknown_keys_do_not_make_us_flood_google() {
    let place = Place::new().await;
    assert_eq!(place.knock_with(&place.token(json!({}))).await, [204, 200]);
    let stranger = KeyPair::rsa("0");
    let tokens: Vec<String> = (0..40)
        .map(|n| {
            place.bent(Bend {
                key: Some(stranger.named(&n.to_string())),
                ..Bend::default()
            })
        })
        .collect();
    let answers = join_all(tokens.iter().map(|token| place.knock_with(token))).await;
    assert!(answers.iter().all(|answer| *answer == [401, 401]));
    assert!(
        place.issuer.asked("/keys") <= 2,
        "{}",
        place.issuer.asked("/keys")
    );
    // A key that Google has taken into use since is found.
    place.issuer.rotate(KeyPair::rsa("next"));
    place
        .scene
        .clock()
        .advance(std::time::Duration::from_secs(10));
    assert_eq!(place.knock_with(&place.token(json!({}))).await, [204, 200]);
}
