//! The authenticator's response when a passkey is used.

use db::TenantTx;
use ids::TenantId;
use web::problem::Result;

use super::relying_party::{self, Base64Input, decode};
use crate::{
    App,
    domain::webauthn::{self, Assertion, ClientData, Expected, WebauthnError},
    store::passkeys::{self, PasskeyRow},
};

web::body! {
    /// A `PublicKeyCredential` with its `AuthenticatorAssertionResponse`; bytes are base64url without padding.
    pub struct PasskeyAssertion {
        /// `rawId`.
        pub credential_id: Base64Input,
        /// `response.clientDataJSON`.
        pub client_data_json: Base64Input,
        /// `response.authenticatorData`.
        pub authenticator_data: Base64Input,
        /// `response.signature`.
        pub signature: Base64Input,
        /// `response.userHandle`, if present.
        pub user_handle: Option<Base64Input>,
    }
}

/// The decoded response, with the page on which it was given.
#[derive(Debug)]
pub(crate) struct DecodedAssertion {
    credential_id: Vec<u8>,
    client_data_json: Vec<u8>,
    pub(crate) client_data: ClientData,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

impl DecodedAssertion {
    /// Decodes the response; `None` if it is malformed.
    pub(crate) fn parse(given: &PasskeyAssertion) -> Option<Self> {
        Self::try_decode(given)
            .inspect_err(|refused| tracing::info!(%refused, "passkey"))
            .ok()
    }

    fn try_decode(given: &PasskeyAssertion) -> std::result::Result<Self, WebauthnError> {
        let client_data_json = decode(&given.client_data_json)?;
        Ok(Self {
            credential_id: decode(&given.credential_id)?,
            client_data: relying_party::parse_client_data(&client_data_json)?,
            client_data_json,
            authenticator_data: decode(&given.authenticator_data)?,
            signature: decode(&given.signature)?,
            user_handle: given.user_handle.as_ref().map(decode).transpose()?,
        })
    }

    /// Verifies the response and records the use in the caller's transaction. `None` if verification fails.
    pub(crate) async fn use_passkey(
        &self,
        tx: &mut TenantTx,
        expected: Expected<'_>,
    ) -> Result<Option<PasskeyRow>> {
        let Some(passkey) = passkeys::find_passkey(tx, &self.credential_id).await? else {
            return Ok(None);
        };
        let handle = passkey.user.uuid();
        let is_owner = |given: &Vec<u8>| given == handle.as_bytes();
        if passkey.rp_id != expected.rp_id || !self.user_handle.as_ref().is_none_or(is_owner) {
            return Ok(None);
        }
        let assertion = Assertion {
            client_data: &self.client_data_json,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        };
        let asserted =
            webauthn::verify_assertion(&self.client_data, assertion, &passkey.public_key, expected);
        let sign_count = match asserted {
            Ok(sign_count) => sign_count,
            Err(refused) => {
                tracing::info!(%refused, "passkey");
                return Ok(None);
            }
        };
        let noted = passkeys::record_passkey_use(tx, passkey.id, sign_count).await?;
        if !noted {
            tracing::warn!(passkey = %passkey.id, "the signature counter of a passkey decreased: it may have been cloned");
        }
        Ok(noted.then_some(passkey))
    }

    /// The host of the page, if it belongs to the tenant.
    pub(crate) async fn find_rp_id(&self, app: &App, tenant: TenantId) -> Result<Option<String>> {
        relying_party::rp_id_of_client_data(app, &self.client_data, tenant).await
    }
}
