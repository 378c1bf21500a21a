//! The endpoints of the issuer: metadata, keys, authorization and token endpoint.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{CLIENT_ID, CLIENT_SECRET, FakeIssuer, Grant, KeySet, merge};

pub(super) fn router(issuer: FakeIssuer) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/keys", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .layer(from_fn_with_state(issuer.clone(), count))
        .with_state(issuer)
}

async fn count(State(issuer): State<FakeIssuer>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    *issuer.state().requests.entry(path).or_default() += 1;
    next.run(request).await
}

async fn metadata(State(issuer): State<FakeIssuer>) -> Json<Value> {
    let state = issuer.state();
    let url = &state.url;
    let mut metadata = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
    });
    if state.secret_in_form || state.apple.is_some() {
        metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    }
    merge(&mut metadata, &state.metadata);
    Json(metadata)
}

async fn keys(State(issuer): State<FakeIssuer>) -> Response {
    let (key_set, set) = {
        let state = issuer.state();
        let keys: Vec<Value> = state.keys.iter().map(super::KeyPair::jwk).collect();
        (state.key_set, json!({"keys": keys}))
    };
    match key_set {
        KeySet::Good => Json(set).into_response(),
        KeySet::Huge => {
            let mut set = set;
            set["padding"] = json!("x".repeat(2_000_000));
            Json(set).into_response()
        }
        KeySet::Slow => std::future::pending().await,
        KeySet::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        KeySet::Moved => (StatusCode::FOUND, [(header::LOCATION, "/keys2")]).into_response(),
    }
}

fn parameters(text: &[u8]) -> impl Fn(&str) -> String {
    let all: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
    move |name| {
        let found = all.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn error_response(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

/// Grants every authorization request immediately.
async fn authorize(State(issuer): State<FakeIssuer>, request: Request) -> Response {
    let of = parameters(request.uri().query().unwrap_or_default().as_bytes());
    for (name, wanted) in [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("code_challenge_method", "S256"),
    ] {
        if of(name) != wanted {
            return error_response(name);
        }
    }
    for (name, min_length) in [("state", 32), ("nonce", 32), ("code_challenge", 43)] {
        if of(name).len() < min_length {
            return error_response(name);
        }
    }
    if !of("scope").split(' ').any(|scope| scope == "openid") {
        return error_response("scope");
    }
    let code = URL_SAFE_NO_PAD.encode(access::opaque::random::<16>());
    let mut state = issuer.state();
    let grant = Grant {
        redirect_uri: of("redirect_uri"),
        challenge: of("code_challenge"),
        claims: state.claims(&of("nonce")),
    };
    let back = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &of("state"))
        .append_pair("iss", &state.url)
        .finish();
    let location = format!("{}?{back}", grant.redirect_uri);
    state.grants.insert(code, grant);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(State(issuer): State<FakeIssuer>, headers: HeaderMap, body: Bytes) -> Response {
    let of = parameters(&body);
    let mut state = issuer.state();
    let known = match &state.apple {
        Some(public_key) => is_apple_secret(&of("client_secret"), public_key, &state.url),
        None if state.secret_in_form => {
            of("client_id") == CLIENT_ID && of("client_secret") == CLIENT_SECRET
        }
        None => headers.get(header::AUTHORIZATION).is_some_and(is_basic),
    };
    if !known {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"error": "invalid_client"})),
        )
            .into_response();
    }
    let Some(grant) = state.grants.remove(&of("code")) else {
        return error_response("invalid_grant");
    };
    let hash = access::opaque::sha256(of("code_verifier").as_bytes());
    if of("grant_type") != "authorization_code"
        || of("redirect_uri") != grant.redirect_uri
        || URL_SAFE_NO_PAD.encode(hash) != grant.challenge
    {
        return error_response("invalid_grant");
    }
    let id_token = state.signed(grant.claims);
    Json(json!({
        "access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
    }))
    .into_response()
}

/// RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
fn is_basic(header: &HeaderValue) -> bool {
    let encode =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let wanted = STANDARD.encode(format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET)));
    header == format!("Basic {wanted}").as_str()
}

fn is_apple_secret(secret: &str, public_key: &[u8], audience: &str) -> bool {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let Some((message, signature)) = secret.rsplit_once('.') else {
        return false;
    };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let part = |index| -> Value {
        let part = message.split('.').nth(index).unwrap_or_default();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims): (Value, Value) = (part(0), part(1));
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key)
        .verify(message.as_bytes(), &signature)
        .is_ok()
        && header["alg"] == "ES256"
        && header["kid"] == "apple-key"
        && claims["iss"] == "apple-team"
        && claims["sub"] == CLIENT_ID
        && claims["aud"] == audience
        && (1..=15_777_000).contains(&lifetime)
}
