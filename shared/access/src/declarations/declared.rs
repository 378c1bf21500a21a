//! References to declarations: constants in code, names on the wire and in the database.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use sqlx::{
    Postgres,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use web::{
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

/// Something that contexts declare under a name.
pub trait Declaration: fmt::Debug + Sync + 'static {
    /// Name of the schema in the API reference.
    const SCHEMA: &'static str;
    /// Description of the schema.
    const DESCRIPTION: &'static str;
    /// The name.
    fn name(&self) -> &'static str;
    /// Everything of this kind, in the order of the registry.
    fn all() -> &'static [Self]
    where
        Self: Sized;
}

/// A reference to a declaration. Two are equal if their names are.
pub struct Declared<T: 'static>(&'static T);

impl<T: Declaration> Declared<T> {
    /// Refers to a declaration.
    pub const fn new(declaration: &'static T) -> Self {
        Self(declaration)
    }

    /// The declaration.
    pub const fn declaration(self) -> &'static T {
        self.0
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0.name()
    }

    /// Everything that contexts have declared, in order.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        T::all().iter().map(Self)
    }

    /// The declaration with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|known| known.as_str() == name)
    }

    fn position(self) -> Option<usize> {
        Self::all().position(|known| known == self)
    }

    fn names() -> Vec<&'static str> {
        Self::all().map(Self::as_str).collect()
    }
}

impl<T> Clone for Declared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Declared<T> {}

impl<T: Declaration> PartialEq for Declared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<T: Declaration> Eq for Declared<T> {}

/// In the order of the registry.
impl<T: Declaration> Ord for Declared<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |one: Self| (one.position(), one.as_str());
        key(*self).cmp(&key(*other))
    }
}

impl<T: Declaration> PartialOrd for Declared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Declaration> Hash for Declared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl<T: Declaration> fmt::Debug for Declared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: Declaration> fmt::Display for Declared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<T: Declaration> Serialize for Declared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Declaration> Deserialize<'de> for Declared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| de::Error::custom(format_args!("one of {}", Self::names().join(", "))))
    }
}

impl<T: Declaration> Field for Declared<T> {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(name) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        Self::parse(name)
            .or_else(|| errors.refuse(at, FieldCode::NotOneOf(Self::names().join(", "))))
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

impl<T: Declaration> PartialSchema for Declared<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::names()))
            .description(Some(T::DESCRIPTION))
            .into()
    }
}

impl<T: Declaration> ToSchema for Declared<T> {
    fn name() -> Cow<'static, str> {
        T::SCHEMA.into()
    }
}

impl<T: Declaration> sqlx::Type<Postgres> for Declared<T> {
    fn type_info() -> PgTypeInfo {
        <str as sqlx::Type<Postgres>>::type_info()
    }
    fn compatible(ty: &PgTypeInfo) -> bool {
        <str as sqlx::Type<Postgres>>::compatible(ty)
    }
}

impl<T: Declaration> PgHasArrayType for Declared<T> {
    fn array_type_info() -> PgTypeInfo {
        <&str as PgHasArrayType>::array_type_info()
    }
}

impl<T: Declaration> sqlx::Encode<'_, Postgres> for Declared<T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&str as sqlx::Encode<Postgres>>::encode(self.as_str(), buffer)
    }
}

impl<'r, T: Declaration> sqlx::Decode<'r, Postgres> for Declared<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let name = <&str as sqlx::Decode<'r, Postgres>>::decode(value)?;
        Self::parse(name).ok_or_else(|| format!("{name:?} is no {}", T::SCHEMA).into())
    }
}
