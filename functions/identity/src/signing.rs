//! The key that signs access tokens: generated at first use, stored sealed, cached for a few seconds.

mod rotation;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use access::{Purpose, opaque::sha256, token::Signer};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use web::Problem;

use crate::{
    App,
    store::signing_keys::{self, KeyStatus, SealedKey},
};

/// How long the signing key is cached.
const CACHE_TTL: Duration = Duration::from_secs(5);

/// The signer with the current key, and when it was loaded.
#[derive(Debug)]
pub(crate) struct CachedSigner {
    signer: Arc<Signer>,
    loaded_at: Instant,
}

impl App {
    /// Returns the signer with the current key. Concurrent callers wait for the same load.
    pub(crate) async fn signer(&self) -> Result<Arc<Signer>, Problem> {
        let mut cached = self.signer.lock().await;
        if let Some(fresh) = &*cached
            && fresh.loaded_at.elapsed() < CACHE_TTL
        {
            return Ok(fresh.signer.clone());
        }
        let signer = self.load_signer().await?;
        *cached = Some(CachedSigner {
            signer: signer.clone(),
            loaded_at: Instant::now(),
        });
        Ok(signer)
    }

    async fn load_signer(&self) -> Result<Arc<Signer>, Problem> {
        let mut tx = self.db.begin_unscoped().await?;
        if let Some(key) = signing_keys::find_current_key(&mut tx).await? {
            tx.commit().await?;
            return self.open(&key);
        }
        signing_keys::lock_keys(&mut tx).await?;
        // Another process may have been first while this one waited.
        let found = signing_keys::find_current_key(&mut tx).await?;
        let key = if let Some(key) = found {
            key
        } else {
            let (key, public_key) = self.generate()?;
            let now = self.state.clock().now();
            signing_keys::insert_key(&mut tx, &key, &public_key, KeyStatus::Current, now).await?;
            key
        };
        tx.commit().await?;
        self.state.authenticator().invalidate_signing_keys().await;
        self.open(&key)
    }

    fn open(&self, key: &SealedKey) -> Result<Arc<Signer>, Problem> {
        let pkcs8 = self
            .state
            .keyring()
            .open(
                Purpose::SigningKeys,
                key.key_id.as_bytes(),
                &key.private_key_sealed,
            )
            .map_err(|error| {
                Problem::internal(format!(
                    "signing key, is the master key another one? {error}"
                ))
            })?;
        Ok(Arc::new(Signer::new(&key.key_id, &pkcs8)))
    }

    fn generate(&self) -> Result<(SealedKey, Vec<u8>), Problem> {
        let unspecified = |error| Problem::internal(format!("making a signing key: {error:?}"));
        let pair = Ed25519KeyPair::generate().map_err(unspecified)?;
        let public_key = pair.public_key().as_ref().to_vec();
        let key_id = thumbprint(&public_key);
        let pkcs8 = pair.to_pkcs8v1().map_err(unspecified)?;
        let private_key_sealed = self
            .state
            .keyring()
            .seal(Purpose::SigningKeys, key_id.as_bytes(), pkcs8.as_ref())
            .map_err(Problem::internal)?;
        Ok((
            SealedKey {
                key_id,
                private_key_sealed,
            },
            public_key,
        ))
    }

    /// Returns the public keys, including at least the current one.
    pub(crate) async fn public_keys(&self) -> Result<Vec<signing_keys::PublicKey>, Problem> {
        self.signer().await?;
        let mut tx = self.db.begin_unscoped().await?;
        let now = self.state.clock().now();
        let keys = signing_keys::list_public_keys(&mut tx, now).await?;
        tx.commit().await?;
        Ok(keys)
    }
}

/// The coordinate `x` of an Ed25519 key in a JWK (RFC 8037).
pub(crate) fn coordinate(public_key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(public_key)
}

/// The thumbprint (RFC 7638), used as key ID.
fn thumbprint(public_key: &[u8]) -> String {
    let members = format!(
        r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
        coordinate(public_key)
    );
    URL_SAFE_NO_PAD.encode(sha256(members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_matches_rfc_8037() {
        // RFC 8037, appendix A.3.
        let public_key = URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .unwrap();
        assert_eq!(
            thumbprint(&public_key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
