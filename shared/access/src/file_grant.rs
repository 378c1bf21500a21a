//! File grants: how one context authorises access to the files of its resources.
//!
//! A caller who may see a ticket may see its attachments, and only support knows who that is. Support therefore issues a grant
//! to the caller, who presents it to files in `X-File-Grant`. It is valid for one caller, one resource and a few minutes. It is
//! authenticated by an HMAC: nothing is stored, and no function calls another.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use db::Actor;
use ids::TenantId;
use uuid::Uuid;

pub use crate::declarations::ResourceType;
use crate::{Keyring, Purpose, opaque};

/// The header that carries a grant.
pub const HEADER: &str = "x-file-grant";
/// Lifetime of a grant.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Maximum length of a grant in bytes.
const MAX_LENGTH: usize = 400;

/// A resource with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The type.
    pub r#type: ResourceType,
    /// The identifier.
    pub id: Uuid,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.r#type, self.id)
    }
}

impl Resource {
    /// Parses `<type>:<id>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (r#type, id) = text.split_once(':')?;
        let id: uuid::fmt::Hyphenated = id.parse().ok()?;
        Some(Self {
            r#type: ResourceType::parse(r#type)?,
            id: id.into_uuid(),
        })
    }
}

/// Permission to view the files of a resource and to attach files to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileGrant {
    /// The tenant.
    pub tenant: TenantId,
    /// The only actor who may present it.
    pub actor: Actor,
    /// The resource.
    pub resource: Resource,
    /// Whether internal files are included.
    pub internal: bool,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl FileGrant {
    fn payload(&self) -> String {
        format!(
            "{}.{}.{}.{}.{}",
            self.tenant,
            self.actor,
            self.resource,
            u8::from(self.internal),
            self.expires_at.timestamp()
        )
    }

    /// The encoded grant.
    pub fn to_text(&self, keyring: &Keyring) -> String {
        let payload = self.payload();
        let tag = keyring.mac(Purpose::FileGrants, payload.as_bytes());
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// Verifies a grant: `None` unless it was issued to this caller and has not expired.
    pub fn verify(
        text: &str,
        keyring: &Keyring,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (payload, tag) = text.split_once('.')?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let is_authentic = keyring
            .mac_with_each_key(Purpose::FileGrants, payload.as_bytes())
            .iter()
            .fold(false, |found, known| {
                found | opaque::constant_time_eq(known, &tag)
            });
        let mut parts = payload.split('.');
        let (_tenant, _actor) = (parts.next()?, parts.next()?);
        let grant = Self {
            tenant,
            actor,
            resource: Resource::parse(parts.next()?)?,
            internal: parts.next()? == "1",
            expires_at: DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?,
        };
        // Encoded again with the caller's own tenant and actor, it must match what was signed.
        (is_authentic && grant.payload() == payload && now < grant.expires_at).then_some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::UserId;

    #[test]
    fn a_grant_is_only_valid_for_its_caller_resource_and_lifetime() {
        let keyring = Keyring::parse(&Keyring::generate()).unwrap();
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let (tenant, actor) = (TenantId::at(now), Actor::user(UserId::at(now)));
        let grant = FileGrant {
            tenant,
            actor,
            resource: Resource::parse("ticket:019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f").unwrap(),
            internal: true,
            expires_at: now + LIFETIME,
        };
        let text = grant.to_text(&keyring);
        let read =
            |text: &str, tenant, actor, now| FileGrant::verify(text, &keyring, tenant, actor, now);
        assert_eq!(read(&text, tenant, actor, now), Some(grant));
        assert_eq!(read(&text, tenant, actor, now + LIFETIME), None);
        assert_eq!(read(&text, TenantId::at(now), actor, now), None);
        let other = Actor::user(UserId::at(now));
        assert_eq!(read(&text, tenant, other, now), None);
        let (payload, tag) = text.split_once('.').unwrap();
        let clear = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        for forged in [
            clear.replace(".1.", ".0."),
            clear.replace("ticket", "user"),
            clear.replace("019ab1f2", "019ab1f3"),
        ] {
            assert_ne!(forged, clear);
            let forged = format!("{}.{tag}", URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(read(&forged, tenant, actor, now), None);
        }
        assert_eq!(read("", tenant, actor, now), None);
    }
}
