use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tower::ServiceExt;

use super::{add, app, count, demo, login};

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_has_the_documented_claims_and_a_published_key() {
    let (app, tenant) = demo().await;
    let id = add(&app, &tenant, "expert", "ada@demo.example").await;
    let tokens = login(&app, "ada@demo.example").await;
    let token = tokens["access_token"].as_str().unwrap();
    let (header, claims) = (part(token, 0), part(token, 1));
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&"EdDSA".into(), &"at+jwt".into())
    );
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&testkit::PUBLIC_URL.into(), &"revalenz-api".into())
    );
    assert_eq!(
        (&claims["sub"], &claims["tid"]),
        (&id.into(), &tenant.id.to_string().into())
    );
    assert_eq!(
        (&claims["role"], &claims["amr"][0]),
        (&"expert".into(), &"pwd".into())
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        600
    );
    for claim in ["sid", "jti"] {
        assert!(claims[claim].is_string(), "{claim}");
    }
    let keys = app
        .anonymous()
        .get("/.well-known/jwks.json")
        .await
        .expect(200);
    assert_eq!(keys.header("cache-control"), "public, max-age=300");
    let keys = keys.json();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .unwrap()
        .clone();
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"]),
        (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into())
    );
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn concurrently_started_processes_create_one_key() {
    let app = app().await;
    let many = (0..4).map(|_| {
        let db = db::Db::connect_lazy(&app.database.login_url("identity"), 2).unwrap();
        let service = identity::service(db, app.state.clone());
        let request = http::Request::get("/.well-known/jwks.json").body(axum::body::Body::empty());
        service.root.oneshot(request.unwrap())
    });
    for answer in futures::future::join_all(many).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(
        count(
            &app,
            "select count(*) from access.signing_keys where status = 'current'"
        )
        .await,
        1
    );
    assert_eq!(
        count(&app, "select count(*) from identity.signing_keys").await,
        1
    );
}
