//! What an authenticator answers when a passkey is used, for whichever purpose.

use chrono::{DateTime, Utc};
use db::TenantTx;
use ids::TenantId;
use web::problem::Result;

use super::relying_party::{self, GivenBytes, decode};
use crate::{
    App,
    domain::webauthn::{self, Assertion, ClientData, Expected, Refused},
    store::passkeys::{self, PasskeyRow},
};

web::body! {
    /// A `PublicKeyCredential` with its `AuthenticatorAssertionResponse`; bytes are base64url without padding.
    pub struct PasskeyAssertion {
        /// `rawId`.
        pub credential_id: GivenBytes,
        /// `response.clientDataJSON`.
        pub client_data_json: GivenBytes,
        /// `response.authenticatorData`.
        pub authenticator_data: GivenBytes,
        /// `response.signature`.
        pub signature: GivenBytes,
        /// `response.userHandle`, if there is one.
        pub user_handle: Option<GivenBytes>,
    }
}

/// The answer, decoded, with the page on which it was given.
#[derive(Debug)]
pub(crate) struct Presented {
    credential_id: Vec<u8>,
    client_data_json: Vec<u8>,
    pub(crate) client_data: ClientData,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

impl Presented {
    /// Decodes it; `None` when it has another form.
    pub(crate) fn read(given: &PasskeyAssertion) -> Option<Self> {
        Self::decode(given)
            .inspect_err(|refused| tracing::info!(%refused, "passkey"))
            .ok()
    }

    fn decode(given: &PasskeyAssertion) -> std::result::Result<Self, Refused> {
        let client_data_json = decode(&given.client_data_json)?;
        Ok(Self {
            credential_id: decode(&given.credential_id)?,
            client_data: ClientData::parse(&client_data_json)?,
            client_data_json,
            authenticator_data: decode(&given.authenticator_data)?,
            signature: decode(&given.signature)?,
            user_handle: given.user_handle.as_ref().map(decode).transpose()?,
        })
    }

    /// Checks the answer and notes the use, in the transaction of what it opens. `None` when it is not believed.
    pub(crate) async fn use_passkey(
        &self,
        tx: &mut TenantTx,
        challenge: &[u8],
        (rp_id, verified): (&str, bool),
        now: DateTime<Utc>,
    ) -> Result<Option<PasskeyRow>> {
        let Some(passkey) = passkeys::find_passkey(tx, &self.credential_id).await? else {
            return Ok(None);
        };
        let handle = passkey.user.uuid();
        let is_owner = |given: &Vec<u8>| given == handle.as_bytes();
        if passkey.rp_id != rp_id || !self.user_handle.as_ref().is_none_or(is_owner) {
            return Ok(None);
        }
        let assertion = Assertion {
            client_data: &self.client_data_json,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        };
        let expected = Expected {
            challenge,
            rp_id,
            verified,
        };
        let asserted =
            webauthn::assert(&self.client_data, assertion, &passkey.public_key, expected);
        let sign_count = match asserted {
            Ok(sign_count) => sign_count,
            Err(refused) => {
                tracing::info!(%refused, "passkey");
                return Ok(None);
            }
        };
        let noted = passkeys::note_passkey_use(tx, passkey.id, sign_count, now).await?;
        if !noted {
            tracing::warn!(passkey = %passkey.id, "the counter of a passkey went back: it may have been copied");
        }
        Ok(noted.then_some(passkey))
    }

    /// The host of the page, if it is the tenant's.
    pub(crate) async fn page(&self, app: &App, tenant: TenantId) -> Result<Option<String>> {
        relying_party::of_client_data(app, &self.client_data, tenant).await
    }
}
