//! Refresh tokens: their format, their rotation, and the classification of a presented token (`decisions.md` 10).
//!
//! The secret of a child is an HMAC over session, generation and the parent's secret. Presenting the same parent therefore yields
//! the same child, although the child is not stored; the row holds only two hashes.
//!
//! Hashes of older generations are not stored, but an old token must be distinguished from garbage: the former ends the session,
//! and the latter must not, or a session's ID would be enough to sign its user out. A token therefore carries its generation in
//! clear and a tag, an HMAC over session, generation and secret. Only we can compute it, so a valid tag on an old generation
//! proves that we issued this token. It proves nothing else: rotation depends on the hash in the row.

use access::{Keyring, Purpose, opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ids::{SessionId, TenantId};
use uuid::Uuid;

const TAG_LENGTH: usize = 16;
const TOKEN_LENGTH: usize = 16 + 16 + 4 + 32 + TAG_LENGTH;

/// A refresh token, as held by the client.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) tenant: TenantId,
    pub(crate) session: SessionId,
    pub(crate) generation: i32,
    secret: [u8; 32],
    tag: [u8; TAG_LENGTH],
}

/// The refresh token state stored with a session.
#[derive(Clone, Debug)]
pub(crate) struct StoredToken {
    pub(crate) generation: i32,
    pub(crate) refresh_hash: Vec<u8>,
    pub(crate) previous_hash: Option<Vec<u8>>,
    pub(crate) rotated_at: DateTime<Utc>,
}

/// The classification of a presented token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// The current token; contains its child.
    Current(RefreshToken),
    /// The parent of the current token, replaced within the overlap; contains the current token.
    JustReplaced(RefreshToken),
    /// A token that was issued and replaced earlier: two parties have it.
    Reused,
    /// A token that was never issued.
    Unknown,
}

/// Issues and classifies refresh tokens.
#[derive(Clone, Debug)]
pub(crate) struct RefreshTokens(Keyring);

impl RefreshTokens {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self(keyring)
    }

    /// The first token of a session.
    pub(crate) fn issue_first(&self, tenant: TenantId, session: SessionId) -> RefreshToken {
        self.with_tag(tenant, session, 0, opaque::random())
    }

    /// Classifies a token presented for a session with the `stored` state.
    pub(crate) fn classify(
        &self,
        token: &RefreshToken,
        stored: &StoredToken,
        now: DateTime<Utc>,
        overlap: TimeDelta,
    ) -> TokenState {
        let hash = token.hash();
        if token.generation == stored.generation
            && opaque::constant_time_eq(&hash, &stored.refresh_hash)
        {
            return self
                .children(token)
                .next()
                .map_or(TokenState::Unknown, TokenState::Current);
        }
        let is_parent = token.generation == stored.generation - 1
            && stored
                .previous_hash
                .as_deref()
                .is_some_and(|previous| opaque::constant_time_eq(&hash, previous));
        if is_parent && overlap > TimeDelta::zero() && now - stored.rotated_at <= overlap {
            // After a rotation of the master key, the child may have been derived from the previous one.
            return self
                .children(token)
                .find(|child| opaque::constant_time_eq(&child.hash(), &stored.refresh_hash))
                .map_or(TokenState::Unknown, TokenState::JustReplaced);
        }
        let is_old =
            token.generation < stored.generation && (is_parent || self.has_valid_tag(token));
        if is_old {
            TokenState::Reused
        } else {
            TokenState::Unknown
        }
    }

    /// The child of a token under each active key, newest first.
    fn children(&self, parent: &RefreshToken) -> impl Iterator<Item = RefreshToken> {
        let generation = parent.generation.saturating_add(1);
        let message = message(
            b"child",
            parent.tenant,
            parent.session,
            generation,
            &parent.secret,
        );
        let secrets = self.0.mac_with_each_key(Purpose::RefreshTokens, &message);
        let (tenant, session) = (parent.tenant, parent.session);
        secrets
            .into_iter()
            .map(move |secret| self.with_tag(tenant, session, generation, secret))
    }

    fn with_tag(
        &self,
        tenant: TenantId,
        session: SessionId,
        generation: i32,
        secret: [u8; 32],
    ) -> RefreshToken {
        let message = message(b"mark", tenant, session, generation, &secret);
        let full = self.0.mac(Purpose::RefreshTokens, &message);
        let mut tag = [0; TAG_LENGTH];
        tag.copy_from_slice(&full[..TAG_LENGTH]);
        RefreshToken {
            tenant,
            session,
            generation,
            secret,
            tag,
        }
    }

    fn has_valid_tag(&self, token: &RefreshToken) -> bool {
        let message = message(
            b"mark",
            token.tenant,
            token.session,
            token.generation,
            &token.secret,
        );
        self.0
            .mac_with_each_key(Purpose::RefreshTokens, &message)
            .iter()
            .any(|full| opaque::constant_time_eq(&full[..TAG_LENGTH], &token.tag))
    }
}

/// All parts except the label have fixed lengths, and no label is a prefix of another, so the encoding is unambiguous.
fn message(
    label: &[u8],
    tenant: TenantId,
    session: SessionId,
    generation: i32,
    secret: &[u8; 32],
) -> Vec<u8> {
    let mut message = label.to_vec();
    message.extend(tenant.uuid().as_bytes());
    message.extend(session.uuid().as_bytes());
    message.extend(generation.to_be_bytes());
    message.extend(secret);
    message
}

impl RefreshToken {
    /// The hash that is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        opaque::sha256(&self.secret)
    }

    /// The token for the client: 112 characters of base64url.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_LENGTH);
        bytes.extend(self.tenant.uuid().as_bytes());
        bytes.extend(self.session.uuid().as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.secret);
        bytes.extend(self.tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a token; `None` if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; TOKEN_LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (secret, tag) = rest.split_first_chunk::<32>()?;
        let generation = i32::from_be_bytes(*generation);
        Some(Self {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            session: SessionId::from_uuid(Uuid::from_bytes(*session)),
            generation: (generation >= 0).then_some(generation)?,
            secret: *secret,
            tag: tag.try_into().ok()?,
        })
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "RefreshToken({}, generation {})",
            self.session, self.generation
        )
    }
}

#[cfg(test)]
mod tests;
