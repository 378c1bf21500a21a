//! The first factor of a sign-in, and the request for the second one that may follow.

use crate::ids::MfaChallenge;
use crate::ids::MfaChallengeId;
use access::opaque::{Opaque, sha256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::TenantTx;
use ids::UserId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::problem::Result;

use super::client::Client;
use crate::{
    domain::factor::FactorMethod,
    http::{factors::relying_party, sessions::session::TokenAnswer},
    store::{
        mfa_challenges::{self, PendingMfa},
        passkeys,
        second_factors::SecondFactors,
    },
};

/// The first factor, with the RFC 8176 name where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    /// The password.
    Password,
    /// An accepted invitation with a new password.
    Invite,
    /// A sign-in link sent by email.
    MagicLink,
    /// Sign-in at an OpenID Connect provider.
    External,
}

impl AuthMethod {
    /// `amr` after this factor.
    pub(crate) fn to_amr(self) -> Vec<String> {
        let value = match self {
            Self::Password | Self::Invite => "pwd",
            Self::MagicLink => "mail",
            // RFC 8176 has no value for this.
            Self::External => "fed",
        };
        vec![value.to_owned()]
    }
}

/// The result of a sign-in: tokens, or the second factor that is required first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "describes the two responses, which are built elsewhere"
)]
pub(crate) enum SignInAnswer {
    /// The tokens of the new session.
    Tokens(TokenAnswer),
    /// The second factor is required first.
    SecondFactor(MfaRequired),
}

/// The first factor was verified; the second one is required at `POST /auth/mfa`.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
pub(crate) struct MfaRequired {
    /// Always `true`.
    #[schema(example = true)]
    mfa_required: bool,
    /// Token for `POST /auth/mfa`, usable for one successful sign-in.
    mfa_token: String,
    /// Lifetime of `mfa_token` in seconds.
    #[schema(example = 300)]
    expires_in: i64,
    /// Second factors that the user can use.
    #[schema(example = json!(["totp", "recovery_code"]))]
    methods: Vec<FactorMethod>,
    /// Options for `PublicKeyCredential.parseRequestOptionsFromJSON()`. Omitted if the user has no passkey for this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    passkey_options: Option<Value>,
}

/// Stores the sign-in until the second factor is verified.
pub(crate) async fn require_second_factor(
    client: &Client<'_>,
    tx: &mut TenantTx,
    user: UserId,
    method: AuthMethod,
    factors: SecondFactors,
) -> Result<MfaRequired> {
    let now = tx.now();
    let device = &client.device;
    let pending = PendingMfa {
        user,
        amr: method.to_amr(),
        refresh_mode: device.mode,
        device_name: device.name.as_ref().map(|name| name.as_str().to_owned()),
    };
    let token = Opaque::<MfaChallenge>::generate(tx.tenant(), MfaChallengeId::at(now));
    let ttl = client.app.settings.mfa_challenge_ttl;
    mfa_challenges::insert_challenge(tx, &token, &pending, now + ttl).await?;
    let rp_id = relying_party::rp_id_of_request(client.app, client.headers);
    let known = passkeys::list_passkeys(tx, user).await?;
    let has_passkey = known.iter().any(|passkey| passkey.rp_id == rp_id);
    let passkey_options = has_passkey.then(|| {
        let challenge = URL_SAFE_NO_PAD.encode(passkey_challenge(&token));
        let timeout_ms = ttl.num_milliseconds();
        relying_party::request_options(&rp_id, &challenge, &known, "preferred", timeout_ms)
    });
    let possible = [
        (FactorMethod::Totp, factors.totp),
        (FactorMethod::Passkey, has_passkey),
        (FactorMethod::RecoveryCode, factors.recovery_codes > 0),
    ];
    Ok(MfaRequired {
        mfa_required: true,
        mfa_token: token.to_text(),
        expires_in: ttl.num_seconds(),
        methods: possible
            .into_iter()
            .filter_map(|(method, available)| available.then_some(method))
            .collect(),
        passkey_options,
    })
}

/// The challenge for a passkey as second factor, derived from the single-use token.
pub(crate) fn passkey_challenge(token: &Opaque<MfaChallenge>) -> [u8; 32] {
    sha256(format!("passkey\n{}", token.to_text()).as_bytes())
}
