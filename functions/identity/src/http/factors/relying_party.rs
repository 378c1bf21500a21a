//! For which page a passkey is good, and what its authenticator is asked.

use access::{cors, opaque::Opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Uri, header};
use ids::{PasskeyChallenge, TenantId};
use serde_json::{Value, json};
use web::{fields::Secret, problem::Result};

use crate::{
    App,
    domain::webauthn::{ALGORITHMS, ClientData, Refused},
    store::{passkeys::PasskeyRow, users::UserRow},
};

/// Bytes of an authenticator in base64url without padding.
pub(crate) type GivenBytes = Secret<1, 16_384>;

/// What was given, decoded.
pub(crate) fn decode(given: &GivenBytes) -> std::result::Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD
        .decode(given.expose())
        .map_err(|_| Refused::Malformed("base64url"))
}

/// The host of an origin; `None` for what is no web page.
fn host(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    uri.host().map(str::to_owned)
}

/// The host of the page that asks; without a page the platform's. That it belongs to the tenant was checked before.
pub(crate) fn of_request(app: &App, headers: &HeaderMap) -> String {
    headers
        .get(header::ORIGIN)
        .and_then(|origin| host(origin.to_str().ok()?))
        .or_else(|| host(&app.state.settings().public_url))
        .unwrap_or_default()
}

/// The host of the page on which the authenticator was asked, if that page is the tenant's.
pub(crate) async fn of_client_data(
    app: &App,
    client_data: &ClientData,
    tenant: TenantId,
) -> Result<Option<String>> {
    let origin = client_data.origin();
    let known = cors::is_allowed(&app.state, origin, Some(tenant)).await?;
    Ok(host(origin).filter(|_| known))
}

/// Which challenge was signed, if it is one of ours: it names its tenant and row.
pub(crate) fn challenge_of(client_data: &ClientData) -> Option<Opaque<PasskeyChallenge>> {
    Opaque::parse(client_data.challenge())
}

/// The bytes of a challenge.
pub(crate) fn bytes_of(challenge: &Opaque<PasskeyChallenge>) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(challenge.to_text())
        .unwrap_or_default()
}

/// Options for making a passkey, for `PublicKeyCredential.parseCreationOptionsFromJSON()`.
pub(crate) fn creation_options(
    (rp_id, rp_name): (&str, &str),
    user: &UserRow,
    challenge: &Opaque<PasskeyChallenge>,
    known: &[PasskeyRow],
    timeout_ms: i64,
) -> Value {
    let algorithms: Vec<Value> = ALGORITHMS
        .iter()
        .map(|algorithm| json!({"type": "public-key", "alg": algorithm}))
        .collect();
    json!({
        "rp": {"id": rp_id, "name": rp_name},
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user.id.uuid().as_bytes()),
            "name": user.email,
            "displayName": user.display_name,
        },
        "challenge": challenge.to_text(),
        "pubKeyCredParams": algorithms,
        "timeout": timeout_ms,
        "excludeCredentials": descriptors(rp_id, known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        "attestation": "none",
    })
}

/// Options for using one, for `PublicKeyCredential.parseRequestOptionsFromJSON()`. Without `known` the authenticator says who it is.
pub(crate) fn request_options(
    rp_id: &str,
    challenge: &str,
    known: &[PasskeyRow],
    user_verification: &str,
    timeout_ms: i64,
) -> Value {
    json!({
        "rpId": rp_id,
        "challenge": challenge,
        "allowCredentials": descriptors(rp_id, known),
        "userVerification": user_verification,
        "timeout": timeout_ms,
    })
}

fn descriptors(rp_id: &str, known: &[PasskeyRow]) -> Vec<Value> {
    known
        .iter()
        .filter(|passkey| passkey.rp_id == rp_id)
        .map(|passkey| {
            json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(&passkey.credential_id)})
        })
        .collect()
}
