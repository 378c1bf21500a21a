//! The push envelope of Google Pub/Sub, in which events come in everywhere: the relay writes it, functions read it.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use web::{
    Localized, Problem,
    body::Field,
    json,
    problem::{Errors, FieldCode, Pointer},
};

use crate::Envelope;

/// Where every function that listens takes events.
pub const PATH: &str = "/internal/events";

/// The attribute of a message that says which function it is for.
pub const FUNCTION: &str = "function";

/// The body of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    data: Vec<u8>,
    attributes: BTreeMap<String, String>,
}

impl Push {
    /// The event inside: `400` or `422` when there is none.
    pub fn open(&self) -> Result<Envelope, Problem> {
        json::parse(&self.data)
    }

    /// What stands beside the event under this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// Messages with the same key come in order: those of one aggregate.
pub fn ordering_key(envelope: &Envelope) -> String {
    format!("{}/{}", envelope.tenant, envelope.subject)
}

/// The body that brings an event to a function, as Pub/Sub would write it.
pub fn wrap(envelope: &Envelope, function: &str, attempt: i32) -> Value {
    let time = envelope.time.to_rfc3339();
    json!({
        "message": {
            "data": STANDARD.encode(envelope.to_json()),
            "attributes": {"type": envelope.r#type, "tenantid": envelope.tenant, FUNCTION: function},
            "messageId": envelope.id,
            "message_id": envelope.id,
            "publishTime": time,
            "publish_time": time,
            "orderingKey": ordering_key(envelope),
        },
        "subscription": function,
        "deliveryAttempt": attempt,
    })
}

/// Only `message.data` and texts among the attributes matter; the rest is Google's to change, so unknown members are no mistake.
impl Field for Push {
    fn read(mut value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let place = at.child("message").child("data");
        let data = match value.get_mut("message").and_then(|m| m.get_mut("data")) {
            Some(Value::String(data)) => std::mem::take(data),
            Some(_) => return errors.refuse(&place, FieldCode::WrongType("string")),
            None => return errors.refuse(&place, FieldCode::Required),
        };
        let attributes = value["message"]["attributes"].as_object();
        let attributes = attributes.into_iter().flatten();
        let text =
            |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        if let Ok(data) = STANDARD.decode(data) {
            return Some(Self {
                data,
                attributes: attributes.filter_map(text).collect(),
            });
        }
        let texts = Localized {
            de: "ist kein Base64",
            en: "is not base64",
        };
        errors.refuse(&place, FieldCode::InvalidFormat(texts))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A push of Google Pub/Sub, wrapped."))
            .examples([json!({
                "message": {
                    "data": "eyJzcGVjdmVyc2lvbiI6ICIxLjAifQ==",
                    "attributes": {"function": "notifications"},
                    "messageId": "2070443601311540",
                    "publishTime": "2026-11-20T10:00:00Z",
                },
                "subscription": "projects/p/subscriptions/revalenz-dead",
            })])
            .into()
    }
}

impl PartialSchema for Push {
    fn schema() -> RefOr<Schema> {
        <Self as Field>::schema()
    }
}

impl ToSchema for Push {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Push")
    }
}
