//! Access tokens of signed-in people.

use access::token::{AUDIENCE, Claims, LIFETIME, Signer};
use aws_lc_rs::signature::KeyPair;
use chrono::{DateTime, Utc};
use ids::SessionId;
use sqlx::PgConnection;

use super::{PUBLIC_URL, TestApp};
use crate::{Client, Person};

impl TestApp {
    /// A client signed in as this person.
    pub fn as_user(&self, person: &Person) -> Client {
        self.anonymous().bearer(&self.token(person))
    }

    /// An access token for a person, valid for ten minutes.
    pub fn token(&self, person: &Person) -> String {
        self.signer.sign(&self.claims(person)).unwrap()
    }

    /// The claims of a person's token, for tests that modify them.
    pub fn claims(&self, person: &Person) -> Claims {
        let now = self.clock.now();
        Claims {
            iss: PUBLIC_URL.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: person.id,
            tid: person.tenant,
            sid: person.session,
            role: person.role.clone(),
            amr: vec!["pwd".to_owned()],
            aal: access::Assurance::Aal1,
            auth_time: 0,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            jti: SessionId::at(now).to_string(),
            act: None,
        }
    }

    /// The signer of the app's tokens.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

/// Creates a signing key that all functions accept.
pub(super) async fn signer(admin: &mut PgConnection, now: DateTime<Utc>) -> Signer {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    // `retired`: accepted for verification, and does not interfere with the key that identity creates.
    sqlx::query("insert into access.signing_keys (key_id, public_key, status, created_at, retired_at) values ('testkit', $1, 'retired', $2, $2 + interval '100 years')")
        .bind(pair.public_key().as_ref())
        .bind(now)
        .execute(admin)
        .await
        .unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    Signer::new("testkit", pkcs8.as_ref())
}
