//! The relying party of passkeys, and the options for authenticators.

use crate::ids::PasskeyChallenge;
use access::{cors, opaque::Opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Uri, header};
use ids::TenantId;
use serde_json::{Value, json};
use web::{fields::Secret, problem::Result};

use crate::{
    App,
    domain::webauthn::{ALGORITHMS, ClientData, WebauthnError},
    store::{passkeys::PasskeyRow, users::UserRow},
};

/// Bytes from an authenticator, as base64url without padding.
pub(crate) type Base64Input = Secret<1, 16_384>;

/// Decodes the bytes.
pub(crate) fn decode(given: &Base64Input) -> std::result::Result<Vec<u8>, WebauthnError> {
    URL_SAFE_NO_PAD
        .decode(given.expose())
        .map_err(|_| WebauthnError::Malformed("base64url"))
}

/// Reads `clientDataJSON`.
pub(crate) fn parse_client_data(json: &[u8]) -> std::result::Result<ClientData, WebauthnError> {
    serde_json::from_slice(json).map_err(|_| WebauthnError::Malformed("client data"))
}

/// The host of an origin; `None` if it is not a web page.
fn host_of_origin(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    uri.host().map(str::to_owned)
}

/// The host of the requesting page, or the platform's without one. The caller has checked that it belongs to the tenant.
pub(crate) fn rp_id_of_request(app: &App, headers: &HeaderMap) -> String {
    headers
        .get(header::ORIGIN)
        .and_then(|origin| host_of_origin(origin.to_str().ok()?))
        .or_else(|| host_of_origin(&app.state.settings().public_url))
        .unwrap_or_default()
}

/// The host of the page on which the authenticator was used, if that page belongs to the tenant.
pub(crate) async fn rp_id_of_client_data(
    app: &App,
    client_data: &ClientData,
    tenant: TenantId,
) -> Result<Option<String>> {
    let origin = client_data.origin();
    let known = cors::is_allowed(&app.state, origin, Some(tenant)).await?;
    Ok(host_of_origin(origin).filter(|_| known))
}

/// The challenge that was signed, if we issued it: it identifies its tenant and row.
pub(crate) fn parse_challenge(client_data: &ClientData) -> Option<Opaque<PasskeyChallenge>> {
    Opaque::parse(client_data.challenge())
}

/// The bytes of a challenge.
pub(crate) fn challenge_bytes(challenge: &Opaque<PasskeyChallenge>) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(challenge.to_text())
        .unwrap_or_default()
}

/// Options for creating a passkey, for `PublicKeyCredential.parseCreationOptionsFromJSON()`.
pub(crate) fn creation_options(
    rp_id: &str,
    rp_name: &str,
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

/// Options for using a passkey, for `PublicKeyCredential.parseRequestOptionsFromJSON()`. Without `known` the authenticator
/// identifies the user.
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
