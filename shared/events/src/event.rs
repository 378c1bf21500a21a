//! Events as types: a producer cannot misspell a field, and every event has a schema and an example.

use std::collections::BTreeSet;

use chrono::DateTime;
use ids::{Id, IdKind};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use crate::Envelope;

/// What an event is about. The subject `<name>/<key>` is also the ordering key: events of one subject are delivered in order.
pub trait Subject {
    /// The CloudEvents `subject`.
    fn subject(&self) -> String;
}

impl<K: IdKind> Subject for Id<K> {
    fn subject(&self) -> String {
        format!("{}/{self}", K::NAME)
    }
}

/// The usage of a metric: `usage/<metric>`.
impl Subject for access::usage::Metric {
    fn subject(&self) -> String {
        format!("usage/{self}")
    }
}

/// An event that a context publishes. Declared with [`events!`](crate::events!).
///
/// Data holds identifiers and codes only, never names or texts written by people.
pub trait Event: Serialize + DeserializeOwned + ToSchema + Send + Sync + Sized {
    /// Its entry in the catalogue.
    const KIND: &'static EventKind;
    /// What it is about.
    fn subject(&self) -> String;
    /// An example for documentation and contract tests.
    fn example() -> Self;
}

/// The catalogue entry of an event type.
#[derive(Clone, Copy, Debug)]
pub struct EventKind {
    /// CloudEvents `type`: `de.revalenz.<context>.<thing>.<past tense>.v<n>`.
    pub r#type: &'static str,
    /// The context that publishes it; CloudEvents `source` is `/` and this.
    pub context: &'static str,
    /// When it is published.
    pub doc: &'static str,
    /// The schema of its data, with the schemas that it refers to by name.
    pub schema: fn() -> EventSchema,
    /// An example.
    pub example: fn() -> EventExample,
}

/// The JSON Schema of an event's data.
#[derive(Clone)]
pub struct EventSchema {
    /// The data.
    pub data: RefOr<Schema>,
    /// What it refers to as `#/components/schemas/<name>`.
    pub components: Vec<(String, RefOr<Schema>)>,
}

/// An example of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventExample {
    /// What it is about.
    pub subject: String,
    /// Its data.
    pub data: Value,
}

impl EventSchema {
    /// The schema of this type.
    pub fn of<T: ToSchema>() -> Self {
        let mut components = Vec::new();
        T::schemas(&mut components);
        Self {
            data: T::schema(),
            components,
        }
    }

    /// The schema as one document: every reference is replaced by what it refers to.
    pub fn to_json(&self) -> Value {
        self.resolve(json!(self.data))
    }

    /// The names of the data's fields; those of a nested object as `author.id`.
    pub fn field_paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        collect_paths(&self.to_json(), "", &mut paths);
        paths
    }

    fn resolve(&self, schema: Value) -> Value {
        match schema {
            Value::Object(mut members) => {
                let reference = members.remove("$ref");
                let name = reference.as_ref().and_then(Value::as_str);
                let name = name.and_then(|path| path.rsplit('/').next());
                let component = self
                    .components
                    .iter()
                    .find(|(of, _)| Some(of.as_str()) == name);
                let resolved = match component {
                    Some((_, component)) => self.resolve(json!(component)),
                    None => Value::Null,
                };
                let mut all: Map<String, Value> = resolved.as_object().cloned().unwrap_or_default();
                // What a field says about itself takes precedence over its type.
                all.extend(
                    members
                        .into_iter()
                        .map(|(name, value)| (name, self.resolve(value))),
                );
                Value::Object(all)
            }
            Value::Array(items) => items.into_iter().map(|item| self.resolve(item)).collect(),
            other => other,
        }
    }
}

fn collect_paths(schema: &Value, prefix: &str, paths: &mut BTreeSet<String>) {
    for part in ["allOf", "anyOf", "oneOf"] {
        for alternative in schema[part].as_array().into_iter().flatten() {
            collect_paths(alternative, prefix, paths);
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        collect_paths(field, &format!("{path}."), paths);
        paths.insert(path);
    }
}

impl EventKind {
    /// The example as it is delivered.
    pub fn example_envelope(&self) -> Envelope {
        let EventExample { subject, data } = (self.example)();
        Envelope {
            id: Id::from_uuid(Uuid::from_u128(0x019a_b1f2_6d3e_7c11_8e5a_0000_0000_0001)),
            source: format!("/{}", self.context),
            r#type: self.r#type.to_owned(),
            subject,
            time: DateTime::from_timestamp_nanos(1_795_168_800_000_000_000),
            tenant: Id::from_uuid(Uuid::from_u128(0x019a_b1f2_0000_7c11_8e5a_3b1a_2c3d_4e5f)),
            version: 1,
            request_id: Some("req-7f3a".to_owned()),
            traceparent: None,
            data,
            sealed: None,
        }
    }
}

#[doc(hidden)]
pub fn example<E: Event>() -> EventExample {
    let event = E::example();
    EventExample {
        subject: event.subject(),
        // Structs of identifiers, numbers and words: serialising them cannot fail.
        data: serde_json::to_value(&event).unwrap_or_default(),
    }
}

/// Declares the events of a context as types, and `ALL`, the list of their kinds.
///
/// Each names the field that it is about, and gives every field an example.
///
/// ```
/// use ids::TicketId;
/// events::events! {
///     context "support";
///     /// A ticket was created.
///     TicketCreated = "ticket.created.v1", subject ticket_id {
///         /// The ticket.
///         ticket_id: TicketId = TicketId::from_uuid(uuid::Uuid::from_u128(1)),
///         /// Its number in the organisation.
///         number: i64 = 17,
///     }
/// }
/// use events::Event;
/// assert_eq!(TicketCreated::KIND.r#type, "de.revalenz.support.ticket.created.v1");
/// assert_eq!(TicketCreated::example().subject(), "ticket/00000000-0000-0000-0000-000000000001");
/// ```
#[macro_export]
macro_rules! events {
    (context $context:literal; $(
        $(#[doc = $doc:literal])* $name:ident = $type:literal, subject $subject:ident {
            $($(#[$field_meta:meta])* $field:ident: $ty:ty = $example:expr),* $(,)?
        }
    )*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::utoipa::ToSchema)]
            pub struct $name {
                $($(#[$field_meta])* pub $field: $ty,)*
            }
            impl $crate::Event for $name {
                const KIND: &'static $crate::EventKind = &$crate::EventKind {
                    r#type: concat!("de.revalenz.", $context, ".", $type),
                    context: $context,
                    doc: concat!($($doc,)*),
                    schema: $crate::EventSchema::of::<Self>,
                    example: $crate::event::example::<Self>,
                };
                fn subject(&self) -> String {
                    $crate::Subject::subject(&self.$subject)
                }
                fn example() -> Self {
                    Self { $($field: $example),* }
                }
            }
        )*
        /// Every event of this context.
        pub static ALL: &[&$crate::EventKind] = &[$(<$name as $crate::Event>::KIND),*];
    };
}
