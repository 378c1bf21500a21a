//! Calls by Google: pushes and scheduled jobs are accepted with an ID token of an allowed account only.

use axum::{Router, body::Body};
use events::push;
use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};
use testkit::fake_issuer::{FakeIssuer, KeyPair, KeySet, Tampering};
use tower::ServiceExt;
use web::edge::{self, Edge};

use crate::harness::{AUDIENCE, RELAY, RelayHarness, SCHEDULER};

/// Event and job endpoints that accept two service accounts of a fake issuer.
struct GoogleHarness {
    harness: RelayHarness,
    issuer: FakeIssuer,
    key: KeyPair,
    router: Router,
}

impl GoogleHarness {
    async fn new() -> Self {
        let issuer = FakeIssuer::start().await;
        let key = KeyPair::rsa("of-google");
        issuer.rotate(key.clone());
        let mut harness = RelayHarness::new().await;
        harness.trust_issuer(&issuer);
        let jobs = relay::service(harness.relay_db.clone(), harness.state.clone()).internal;
        let edge = Edge {
            clock: harness.clock().clone(),
            trusted_proxies: 0,
        };
        let router = edge::wrap(harness.internal("listener").merge(jobs), edge);
        Self {
            harness,
            issuer,
            key,
            router,
        }
    }

    /// The claims of a valid Google ID token.
    fn claims(&self) -> Value {
        let now = self.harness.clock().now().timestamp();
        json!({
            "iss": self.issuer.url(), "aud": AUDIENCE, "azp": "113", "sub": "113",
            "email": RELAY, "email_verified": true, "iat": now, "exp": now + 3_600,
        })
    }

    /// A token with these claims replaced; null removes one.
    fn token(&self, members: Value) -> String {
        self.tampered(Tampering {
            claims: members,
            ..Tampering::default()
        })
    }

    fn tampered(&self, tampering: Tampering) -> String {
        let token = self.issuer.tamper(tampering).sign(&self.claims());
        self.issuer.tamper(Tampering::default());
        token
    }

    /// Calls both endpoints with these Authorization headers and returns the statuses.
    async fn call(&self, headers: &[String]) -> [u16; 2] {
        let harness = &self.harness;
        let event = crate::endpoint::event(harness);
        let body = push::wrap(&event, "listener", 1).to_string();
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
            let response = self.router.clone().oneshot(request).await.unwrap();
            *status = response.status().as_u16();
        }
        statuses
    }

    async fn call_with_token(&self, token: &str) -> [u16; 2] {
        self.call(&[format!("Bearer {token}")]).await
    }

    /// Numbers of effects and job runs.
    async fn counts(&self) -> (usize, i64) {
        let runs = sqlx::query_scalar("select count(*) from events.job_runs")
            .fetch_one(&mut self.harness.app.admin().await)
            .await
            .unwrap();
        (self.harness.effects("listener").await.len(), runs)
    }
}

/// A token as Cloud Run forwards it after its own check.
fn stripped(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE")
}

/// Correctly signed tokens with wrong claims.
fn wrong_claims(google: &GoogleHarness) -> Vec<(&'static str, String)> {
    let now = google.harness.clock().now().timestamp();
    vec![
        (
            "another audience",
            google.token(json!({"aud": "https://elsewhere.example"})),
        ),
        (
            "our audience among others",
            google.token(json!({"aud": [AUDIENCE]})),
        ),
        ("no audience", google.token(json!({"aud": null}))),
        (
            "another account",
            google.token(json!({"email": "other@project.iam.gserviceaccount.com"})),
        ),
        (
            "an account written differently",
            google.token(json!({"email": RELAY.to_uppercase()})),
        ),
        (
            "two accounts in one",
            google.token(json!({"email": format!("{RELAY},{SCHEDULER}")})),
        ),
        ("no account", google.token(json!({"email": null}))),
        (
            "an address that is not verified",
            google.token(json!({"email_verified": false})),
        ),
        (
            "email_verified as a string",
            google.token(json!({"email_verified": "true"})),
        ),
        (
            "no email_verified",
            google.token(json!({"email_verified": null})),
        ),
        (
            "expired",
            google.token(json!({"iat": now - 3_700, "exp": now - 31})),
        ),
        ("no expiry", google.token(json!({"exp": null}))),
        (
            "valid for years",
            google.token(json!({"exp": now + 100_000_000})),
        ),
        (
            "issued in the future",
            google.token(json!({"iat": now + 300})),
        ),
        ("not yet valid", google.token(json!({"nbf": now + 300}))),
        (
            "expiry at the maximum timestamp",
            google.token(json!({"exp": i64::MAX})),
        ),
    ]
}

/// Tokens with a wrong signature or form.
fn wrong_tokens(google: &GoogleHarness) -> Vec<(&'static str, String)> {
    let good = google.token(json!({}));
    let unsigned = {
        let header = json!({"alg": "none", "typ": "JWT", "kid": "of-google"});
        testkit::fake_issuer::join(&header, &google.claims(), |_| Vec::new())
    };
    let key = |key: KeyPair| {
        google.tampered(Tampering {
            key: Some(key),
            ..Tampering::default()
        })
    };
    let header = |header: Value| {
        google.tampered(Tampering {
            header,
            ..Tampering::default()
        })
    };
    let public_key = google.key.public_key();
    vec![
        (
            "another issuer",
            google.token(json!({"iss": "https://issuer.example"})),
        ),
        (
            "another spelling of it",
            google.token(json!({"iss": "accounts.google.com"})),
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
        ("a critical extension", header(json!({"crit": ["exp"]}))),
        (
            "a user's token",
            google.harness.app.token(&google.harness.tenant.admin),
        ),
        ("truncated", good[..good.len() - 9].to_owned()),
        ("empty", String::new()),
        ("too long", "a".repeat(20_000)),
    ]
}

#[tokio::test]
async fn no_forged_token_is_accepted_by_either_endpoint() {
    let google = GoogleHarness::new().await;
    let good = google.token(json!({}));
    for (what, token) in wrong_claims(&google).iter().chain(&wrong_tokens(&google)) {
        assert_eq!(google.call_with_token(token).await, [401, 401], "{what}");
    }
    for headers in [
        vec![],
        vec![format!("Basic {good}")],
        vec![good.clone()],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
    ] {
        assert_eq!(google.call(&headers).await, [401, 401], "{headers:?}");
    }
    assert_eq!(google.counts().await, (0, 0));
    assert_eq!(google.call_with_token(&good).await, [204, 200]);
    assert_eq!(google.counts().await, (1, 1));
}

#[tokio::test]
async fn each_account_and_the_secret_are_accepted() {
    let google = GoogleHarness::new().await;
    assert_eq!(
        google
            .call_with_token(&google.token(json!({"email": SCHEDULER})))
            .await,
        [204, 200]
    );
    let secret = google.harness.app.state.internal_auth().header().unwrap();
    let secret = secret.to_str().unwrap().to_owned();
    assert_eq!(google.call(&[secret]).await, [204, 200]);
}

#[tokio::test]
async fn without_googles_keys_calls_are_unavailable_and_can_be_retried() {
    let google = GoogleHarness::new().await;
    let token = google.token(json!({}));
    google.issuer.serve_keys(KeySet::Broken);
    assert_eq!(google.call_with_token(&token).await, [503, 503]);
    assert_eq!(google.counts().await, (0, 0));
    google.issuer.serve_keys(KeySet::Good);
    google
        .harness
        .clock()
        .advance(std::time::Duration::from_secs(10));
    assert_eq!(google.call_with_token(&token).await, [204, 200]);
    // Cached keys stay valid while Google is unavailable.
    google.issuer.serve_keys(KeySet::Broken);
    assert_eq!(google.call_with_token(&token).await, [204, 200]);
}

#[tokio::test]
async fn unknown_keys_do_not_cause_a_flood_of_key_requests() {
    let google = GoogleHarness::new().await;
    assert_eq!(
        google.call_with_token(&google.token(json!({}))).await,
        [204, 200]
    );
    let unknown_key = KeyPair::rsa("0");
    let tokens: Vec<String> = (0..40)
        .map(|n| {
            google.tampered(Tampering {
                key: Some(unknown_key.with_id(&n.to_string())),
                ..Tampering::default()
            })
        })
        .collect();
    let responses = join_all(tokens.iter().map(|token| google.call_with_token(token))).await;
    assert!(responses.iter().all(|response| *response == [401, 401]));
    assert!(
        google.issuer.request_count("/keys") <= 2,
        "{}",
        google.issuer.request_count("/keys")
    );
    // A rotated key is found.
    google.issuer.rotate(KeyPair::rsa("next"));
    google
        .harness
        .clock()
        .advance(std::time::Duration::from_secs(10));
    assert_eq!(
        google.call_with_token(&google.token(json!({}))).await,
        [204, 200]
    );
}
