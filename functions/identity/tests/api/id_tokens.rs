//! Invalid ID tokens: none of them creates a session.

use serde_json::{Value, json};
use testkit::fake_issuer::{CLIENT_ID, KeyPair, Tampering};

use super::{
    count,
    oauth::{ProviderTest, provider_test},
};

fn claims(claims: Value) -> Tampering {
    Tampering {
        claims,
        ..Tampering::default()
    }
}

fn header(header: Value) -> Tampering {
    Tampering {
        header,
        ..Tampering::default()
    }
}

fn key(key: KeyPair) -> Tampering {
    Tampering {
        key: Some(key),
        ..Tampering::default()
    }
}

/// Wrong claims with a valid signature.
fn wrong_claims(provider_test: &ProviderTest) -> Vec<(&'static str, Tampering)> {
    let now = provider_test.app.clock.now().timestamp();
    vec![
        (
            "another nonce",
            claims(json!({"nonce": "of another sign-in"})),
        ),
        ("no nonce", claims(json!({"nonce": null}))),
        ("a nonce that is a number", claims(json!({"nonce": 7}))),
        ("for somebody else", claims(json!({"aud": "other"}))),
        ("for nobody", claims(json!({"aud": null}))),
        ("for an empty list", claims(json!({"aud": []}))),
        (
            "for a list without us",
            claims(json!({"aud": ["other", "another"]})),
        ),
        (
            "for several, by nobody",
            claims(json!({"aud": [CLIENT_ID, "other"]})),
        ),
        (
            "for several, by another",
            claims(json!({"aud": [CLIENT_ID, "other"], "azp": "other"})),
        ),
        ("for us, by another", claims(json!({"azp": "other"}))),
        (
            "of another issuer",
            claims(json!({"iss": "https://other.example"})),
        ),
        (
            "of nearly the same issuer",
            claims(json!({"iss": format!("{}/", provider_test.issuer.url())})),
        ),
        ("of no issuer", claims(json!({"iss": null}))),
        (
            "of a list of issuers",
            claims(json!({"iss": [provider_test.issuer.url()]})),
        ),
        ("expired", claims(json!({"exp": now - 31}))),
        ("without an end", claims(json!({"exp": null}))),
        (
            "with an end that is a text",
            claims(json!({"exp": (now + 300).to_string()})),
        ),
        (
            "with an end before the calendar",
            claims(json!({"exp": i64::MIN})),
        ),
        (
            "with an end behind the calendar",
            claims(json!({"exp": i64::MAX})),
        ),
        ("with an end at infinity", claims(json!({"exp": 1e300}))),
        ("from the future", claims(json!({"iat": now + 31}))),
        ("from long ago", claims(json!({"iat": now - 601}))),
        ("without a beginning", claims(json!({"iat": null}))),
        ("not yet good", claims(json!({"nbf": now + 31}))),
        ("about nobody", claims(json!({"sub": null}))),
        ("about an empty name", claims(json!({"sub": ""}))),
        ("about a name with NUL", claims(json!({"sub": "ada\0"}))),
        (
            "about a name without end",
            claims(json!({"sub": "x".repeat(256)})),
        ),
        ("about a number", claims(json!({"sub": 1}))),
    ]
}

/// Wrong signatures over valid claims. `published` is the key that the issuer signs with.
fn wrong_signatures(published: &KeyPair) -> Vec<(&'static str, Tampering)> {
    let public = published.public_key();
    let jwk = published.jwk().to_string();
    let unsigned = |alg: &str| Tampering {
        header: json!({"alg": alg}),
        signature: Some(Vec::new()),
        ..Tampering::default()
    };
    let symmetric = |secret: &[u8]| key(KeyPair::hmac("first", secret));
    let foreign = KeyPair::ed25519("first");
    vec![
        ("unsigned", unsigned("none")),
        ("unsigned, shouting", unsigned("NONE")),
        ("unsigned, mixed", unsigned("nOnE")),
        ("unsigned, empty algorithm", unsigned("")),
        ("with no signature", unsigned("EdDSA")),
        (
            "with a signature of zeros",
            Tampering {
                signature: Some(vec![0; 64]),
                ..Tampering::default()
            },
        ),
        ("with the public key as secret", symmetric(&public)),
        ("with the JWK as secret", symmetric(jwk.as_bytes())),
        ("with an empty secret", symmetric(b"")),
        ("by a foreign key of the same name", key(foreign.clone())),
        (
            "by a foreign key that it brings along",
            Tampering {
                key: Some(foreign.clone()),
                header: json!({"jwk": foreign.jwk()}),
                ..Tampering::default()
            },
        ),
        (
            "by a foreign key at an address",
            Tampering {
                key: Some(foreign.clone()),
                header: json!({"jku": "https://evil.example/keys", "x5u": "https://evil.example/x"}),
                ..Tampering::default()
            },
        ),
        (
            "by a foreign key of another kind",
            key(KeyPair::p256("first")),
        ),
        ("by an unknown key", key(published.with_id("unknown"))),
        ("by a key without a name", header(json!({"kid": null}))),
        (
            "by a key that is a path",
            header(json!({"kid": "../../dev/null"})),
        ),
        (
            "with another algorithm's name",
            header(json!({"alg": "RS256"})),
        ),
        ("with another curve's name", header(json!({"alg": "ES256"}))),
        (
            "with something critical",
            header(json!({"crit": ["exp"], "exp": 1})),
        ),
        (
            "with a detached body",
            header(json!({"b64": false, "crit": ["b64"]})),
        ),
        ("as an access token", header(json!({"typ": "at+jwt"}))),
        ("as a logout token", header(json!({"typ": "logout+jwt"}))),
    ]
}

#[tokio::test]
async fn forged_id_tokens_create_no_session() {
    let provider_test = provider_test().await;
    let published = KeyPair::ed25519("first");
    provider_test.issuer.rotate(published.clone());
    // Control, before and after: the same flow with a genuine issuer succeeds.
    provider_test.sign_in().await;
    let sessions = "select count(*) from identity.sessions";
    let before = count(&provider_test.app, sessions).await;
    let mut forgeries = wrong_claims(&provider_test);
    forgeries.extend(wrong_signatures(&published));
    let tried = forgeries.len();
    let mut accepted = Vec::new();
    for (name, bend) in forgeries {
        provider_test.issuer.tamper(bend);
        let error = super::oauth::query_parameter(&provider_test.run_flow().await, "error");
        if error.as_deref() != Some("provider_refused") {
            accepted.push((name, error));
        }
    }
    assert!(accepted.is_empty(), "of {tried} not refused: {accepted:?}");
    assert_eq!(count(&provider_test.app, sessions).await, before);
    println!("{tried} forged ID tokens, 0 accepted");
    provider_test.issuer.tamper(Tampering::default());
    provider_test.sign_in().await;
}

#[tokio::test]
async fn unusual_but_valid_id_tokens_are_accepted() {
    let provider_test = provider_test().await;
    let now = provider_test.app.clock.now().timestamp();
    for claims in [
        json!({"aud": [CLIENT_ID]}),
        json!({"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}),
        json!({"exp": now - 29}),
        json!({"iat": now + 29, "nbf": now}),
        json!({"unknown": {"a": [1]}}),
    ] {
        provider_test.issuer.tamper(self::claims(claims));
        provider_test.sign_in().await;
    }
    provider_test.issuer.tamper(header(json!({"typ": null})));
    provider_test.sign_in().await;
}

#[tokio::test]
async fn only_true_counts_as_a_verified_address() {
    let provider_test = provider_test().await;
    for verified in [
        json!(null),
        json!(false),
        json!("false"),
        json!("TRUE"),
        json!(1),
        json!([true]),
        json!({}),
    ] {
        provider_test
            .issuer
            .person(json!({"email_verified": verified}));
        assert_eq!(
            provider_test.error().await,
            "address_not_verified",
            "{verified}"
        );
    }
    for email in [json!(null), json!("no address"), json!("a\0@example.org")] {
        provider_test
            .issuer
            .person(json!({"email_verified": true, "email": email}));
        assert_eq!(
            provider_test.error().await,
            "address_not_verified",
            "{email}"
        );
    }
}
