//! Refresh tokens: what they look like, how one becomes the next, and what a presented one means (`decisions.md` 10).
//!
//! The secret of a child is an HMAC over session, generation and the parent's secret. So everybody who presents the same
//! parent gets the same child, without the child being stored anywhere; the row keeps only two hashes.
//!
//! Hashes of older generations are not kept, yet an old token must be told from garbage: one ends the family, the other
//! must not, or whoever knows a session's id could sign people out. Therefore a token carries its generation in clear and a
//! mark, an HMAC over session, generation and secret. Only we can make it, so a right mark on an old generation proves that
//! we issued this very token once. The mark proves nothing else: what counts for a rotation is the hash in the row.

use access::{Keyring, Purpose, opaque};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ids::{SessionId, TenantId};
use uuid::Uuid;

const MARK: usize = 16;
const LENGTH: usize = 16 + 16 + 4 + 32 + MARK;

/// A refresh token as its bearer has it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) tenant: TenantId,
    pub(crate) session: SessionId,
    pub(crate) generation: i32,
    secret: [u8; 32],
    mark: [u8; MARK],
}

/// What the row of a session knows.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) generation: i32,
    pub(crate) refresh_hash: Vec<u8>,
    pub(crate) previous_hash: Option<Vec<u8>>,
    pub(crate) rotated_at: DateTime<Utc>,
}

/// What a presented token means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the current one: this is its child.
    Rotate(RefreshToken),
    /// It is the parent of the current one, replaced a moment ago: this is the current one again.
    Again(RefreshToken),
    /// We issued it once, and it was replaced: two have it.
    Reused,
    /// We never issued it.
    Unknown,
}

/// Makes and judges refresh tokens.
#[derive(Clone, Debug)]
pub(crate) struct RefreshTokens(Keyring);

impl RefreshTokens {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self(keyring)
    }

    /// The first token of a session.
    pub(crate) fn first(&self, tenant: TenantId, session: SessionId) -> RefreshToken {
        self.marked(tenant, session, 0, opaque::random())
    }

    /// What it means that somebody presents this token to a session of which `kept` is known.
    pub(crate) fn judge(
        &self,
        token: &RefreshToken,
        kept: &Kept,
        now: DateTime<Utc>,
        overlap: TimeDelta,
    ) -> Verdict {
        let hash = token.hash();
        if token.generation == kept.generation && opaque::constant_time_eq(&hash, &kept.refresh_hash) {
            return self
                .children(token)
                .next()
                .map_or(Verdict::Unknown, Verdict::Rotate);
        }
        let is_parent = token.generation == kept.generation - 1
            && kept
                .previous_hash
                .as_deref()
                .is_some_and(|previous| opaque::constant_time_eq(&hash, previous));
        if is_parent && overlap > TimeDelta::zero() && now - kept.rotated_at <= overlap {
            // After a rotation of the master key the child was perhaps made under the older one.
            return self
                .children(token)
                .find(|child| opaque::constant_time_eq(&child.hash(), &kept.refresh_hash))
                .map_or(Verdict::Unknown, Verdict::Again);
        }
        let is_old = token.generation < kept.generation && (is_parent || self.is_ours(token));
        if is_old {
            Verdict::Reused
        } else {
            Verdict::Unknown
        }
    }

    /// The child of a token under each live key, the newest first.
    fn children(&self, parent: &RefreshToken) -> impl Iterator<Item = RefreshToken> {
        let generation = parent.generation.saturating_add(1);
        let message = message(
            b"child",
            parent.tenant,
            parent.session,
            generation,
            &parent.secret,
        );
        let secrets = self
            .0
            .mac_with_each_key(Purpose::RefreshTokens, &message);
        let (tenant, session) = (parent.tenant, parent.session);
        secrets
            .into_iter()
            .map(move |secret| self.marked(tenant, session, generation, secret))
    }

    fn marked(
        &self,
        tenant: TenantId,
        session: SessionId,
        generation: i32,
        secret: [u8; 32],
    ) -> RefreshToken {
        let message = message(b"mark", tenant, session, generation, &secret);
        let full = self.0.authenticate(Purpose::RefreshTokens, &message);
        let mut mark = [0; MARK];
        mark.copy_from_slice(&full[..MARK]);
        RefreshToken {
            tenant,
            session,
            generation,
            secret,
            mark,
        }
    }

    fn is_ours(&self, token: &RefreshToken) -> bool {
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
            .any(|full| opaque::constant_time_eq(&full[..MARK], &token.mark))
    }
}

/// All parts have fixed lengths but the label, and no label begins another: nothing can be read two ways.
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
    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        opaque::sha256(&self.secret)
    }

    /// As it is given out: 112 characters of base64url.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.tenant.uuid().as_bytes());
        bytes.extend(self.session.uuid().as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.secret);
        bytes.extend(self.mark);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads one; `None` when it has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (secret, mark) = rest.split_first_chunk::<32>()?;
        let generation = i32::from_be_bytes(*generation);
        Some(Self {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            session: SessionId::from_uuid(Uuid::from_bytes(*session)),
            generation: (generation >= 0).then_some(generation)?,
            secret: *secret,
            mark: mark.try_into().ok()?,
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
