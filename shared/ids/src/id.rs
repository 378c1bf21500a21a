//! The generic identifier.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema},
};
use uuid::{NoContext, Timestamp, Uuid};

/// A kind of entity with an identifier. Declared with [`ids!`](crate::ids!).
pub trait IdKind: 'static {
    /// The kind's name in `snake_case`.
    const NAME: &'static str;
}

/// An identifier of a `K`: a UUID on the wire and in SQL.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K: IdKind> Id<K> {
    /// A new identifier with the timestamp `now`; 74 bits are random.
    pub fn at(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Self::from_uuid(Uuid::new_v7(Timestamp::from_unix(
            NoContext,
            seconds,
            now.timestamp_subsec_nanos(),
        )))
    }

    /// The identifier with this value; for constants and external values.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::NAME, self.0)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K: IdKind> FromStr for Id<K> {
    type Err = uuid::Error;

    /// Only accepts the hyphenated form: an identifier has exactly one spelling, so that caches and logs agree.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hyphenated = uuid::fmt::Hyphenated::from_str(text)?;
        Ok(Self::from_uuid(hyphenated.into_uuid()))
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<K> Type<Postgres> for Id<K> {
    fn type_info() -> PgTypeInfo {
        <Uuid as Type<Postgres>>::type_info()
    }
    fn compatible(ty: &PgTypeInfo) -> bool {
        <Uuid as Type<Postgres>>::compatible(ty)
    }
}
impl<K> PgHasArrayType for Id<K> {
    fn array_type_info() -> PgTypeInfo {
        Uuid::array_type_info()
    }
}
impl<K> Encode<'_, Postgres> for Id<K> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Uuid as Encode<'_, Postgres>>::encode_by_ref(&self.0, buffer)
    }
}
impl<'r, K> Decode<'r, Postgres> for Id<K> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(
            <Uuid as Decode<'r, Postgres>>::decode(value)?,
            PhantomData,
        ))
    }
}

impl<K: IdKind> PartialSchema for Id<K> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(schema::Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .into()
    }
}
impl<K: IdKind> ToSchema for Id<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

#[cfg(test)]
mod tests {
    use crate::{TicketId, UserId};
    use chrono::{DateTime, Utc};

    #[test]
    fn ids_sort_by_creation_time() {
        let early: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
        let late = early + chrono::TimeDelta::milliseconds(1);
        assert!(TicketId::at(early) < TicketId::at(late));
        assert_eq!(TicketId::at(early).uuid().get_version_num(), 7);
    }

    #[test]
    fn an_id_has_exactly_one_spelling() {
        let id = UserId::at("2026-11-20T10:00:00Z".parse().unwrap());
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        assert!(id.uuid().simple().to_string().parse::<UserId>().is_err());
        assert!(id.uuid().urn().to_string().parse::<UserId>().is_err());
        assert!(id.uuid().braced().to_string().parse::<UserId>().is_err());
    }

    #[test]
    fn ids_survive_json() {
        let id = TicketId::at("2026-11-20T10:00:00Z".parse().unwrap());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<TicketId>(&json).unwrap(), id);
    }
}
