//! The public keys of access tokens.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use web::problem::Result;

use crate::{App, signing::coordinate};

/// How long clients may cache the keys.
const CACHE_CONTROL_VALUE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A key set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SigningKeys {
    /// The keys.
    keys: Vec<SigningKey>,
}

/// An Ed25519 key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SigningKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// Public key, as base64url without padding.
    x: String,
    /// Key ID, as in the header of tokens.
    kid: String,
    /// Always `sig`.
    #[schema(rename = "use", example = "sig")]
    #[serde(rename = "use")]
    usage: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
}

/// List the public keys of access tokens
///
/// Returns the JSON Web Key Set (RFC 7517) that verifies access tokens. Keys are published before they sign and may be cached for
/// five minutes.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    extensions(("x-permission" = json!("everyone"))),
    security(()),
    responses((status = 200, body = SigningKeys, description = "The key set."))
)]
pub(crate) async fn list_signing_keys(State(app): State<App>) -> Result<Response> {
    let keys = app
        .public_keys()
        .await?
        .into_iter()
        .map(|key| SigningKey {
            kty: "OKP",
            crv: "Ed25519",
            x: coordinate(&key.public_key),
            kid: key.key_id,
            usage: "sig",
            alg: "EdDSA",
        })
        .collect();
    Ok((
        [(header::CACHE_CONTROL, CACHE_CONTROL_VALUE)],
        Json(SigningKeys { keys }),
    )
        .into_response())
}
