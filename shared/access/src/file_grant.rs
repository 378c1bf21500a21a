//! What one context says about the files of a thing that is its own, so that files needs to know nothing of it.
//!
//! Whoever may see a ticket may see what is attached to it, and only support knows who may. So support hands a grant to the
//! caller, who presents it to files in `X-File-Grant`: for this person, this ticket, some minutes. It is an HMAC over its
//! words: nothing is stored, and no function asks another.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use db::Actor;
use ids::TenantId;
use uuid::Uuid;

use crate::{Keyring, Purpose, opaque};

/// The header that carries it.
pub const HEADER: &str = "x-file-grant";
/// How long it is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Longest text that is looked at.
const LONGEST: usize = 400;

web::text_enum! {
    /// Things that have files.
    pub enum ResourceType {
        /// A ticket; support grants it.
        Ticket = "ticket",
        /// A person; nobody grants it, everybody has their own.
        User = "user",
    }
}

/// A thing that has files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub r#type: ResourceType,
    /// Which one.
    pub id: Uuid,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.r#type, self.id)
    }
}

impl Resource {
    /// Reads `<type>:<id>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (r#type, id) = text.split_once(':')?;
        let id: uuid::fmt::Hyphenated = id.parse().ok()?;
        Some(Self {
            r#type: ResourceType::parse(r#type)?,
            id: id.into_uuid(),
        })
    }
}

/// Leave to see the files of a thing and to add some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileGrant {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who alone may present it.
    pub actor: Actor,
    /// Whose files.
    pub resource: Resource,
    /// Whether files are seen too that only staff sees.
    pub internal: bool,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl FileGrant {
    fn words(&self) -> String {
        format!(
            "{}.{}.{}.{}.{}",
            self.tenant,
            self.actor,
            self.resource,
            u8::from(self.internal),
            self.expires_at.timestamp()
        )
    }

    /// As it is given out.
    pub fn to_text(&self, keyring: &Keyring) -> String {
        let words = self.words();
        let tag = keyring.authenticate(Purpose::FileGrants, words.as_bytes());
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(words),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// The grant, if we gave it to this caller and it is still good.
    pub fn read(
        text: &str,
        keyring: &Keyring,
        tenant: TenantId,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (words, tag) = text.split_once('.')?;
        let words = String::from_utf8(URL_SAFE_NO_PAD.decode(words).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let ours = keyring
            .mac_with_each_key(Purpose::FileGrants, words.as_bytes())
            .iter()
            .fold(false, |ours, known| {
                ours | opaque::constant_time_eq(known, &tag)
            });
        let mut parts = words.split('.');
        let (_tenant, _actor) = (parts.next()?, parts.next()?);
        let grant = Self {
            tenant,
            actor,
            resource: Resource::parse(parts.next()?)?,
            internal: parts.next()? == "1",
            expires_at: DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?,
        };
        // Written again with the caller's own tenant and name, it must be what was signed.
        (ours && grant.words() == words && now < grant.expires_at).then_some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::UserId;

    #[test]
    fn a_grant_is_good_for_its_own_caller_thing_and_time() {
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
            |text: &str, tenant, actor, now| FileGrant::read(text, &keyring, tenant, actor, now);
        assert_eq!(read(&text, tenant, actor, now), Some(grant));
        assert_eq!(read(&text, tenant, actor, now + LIFETIME), None);
        assert_eq!(read(&text, TenantId::at(now), actor, now), None);
        let other = Actor::user(UserId::at(now));
        assert_eq!(read(&text, tenant, other, now), None);
        let (words, tag) = text.split_once('.').unwrap();
        let clear = String::from_utf8(URL_SAFE_NO_PAD.decode(words).unwrap()).unwrap();
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
