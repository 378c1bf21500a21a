//! The push envelope of Google Pub/Sub, in which events come in everywhere: the relay writes it, functions read it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};
use web::{
    Problem, Texts,
    body::Field,
    json,
    problem::{Errors, FieldCode, Pointer},
};

use crate::Envelope;

/// Where every function that listens takes events.
pub const PATH: &str = "/internal/events";

/// The body of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    data: Vec<u8>,
}

impl Push {
    /// The event inside: `400` or `422` when there is none.
    pub fn open(&self) -> Result<Envelope, Problem> {
        json::parse(&self.data)
    }
}

/// The body that brings an event to a function, as Pub/Sub would write it.
pub fn wrap(envelope: &Envelope, function: &str, attempt: i32) -> Value {
    let time = envelope.time.to_rfc3339();
    json!({
        "message": {
            "data": STANDARD.encode(envelope.to_json()),
            "attributes": {"type": envelope.r#type, "tenantid": envelope.tenant},
            "messageId": envelope.id,
            "message_id": envelope.id,
            "publishTime": time,
            "publish_time": time,
            "orderingKey": format!("{}/{}", envelope.tenant, envelope.subject),
        },
        "subscription": function,
        "deliveryAttempt": attempt,
    })
}

/// Only `message.data` matters; the rest is Google's to change, so unknown members are no mistake.
impl Field for Push {
    fn read(mut value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let place = at.child("message").child("data");
        let data = match value.get_mut("message").and_then(|m| m.get_mut("data")) {
            Some(Value::String(data)) => std::mem::take(data),
            Some(_) => return errors.refuse(&place, FieldCode::WrongType("string")),
            None => return errors.refuse(&place, FieldCode::Required),
        };
        if let Ok(data) = STANDARD.decode(data) {
            return Some(Self { data });
        }
        let texts = Texts {
            de: "ist kein Base64",
            en: "is not base64",
        };
        errors.refuse(&place, FieldCode::InvalidFormat(texts))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A push of Google Pub/Sub, wrapped."))
            .into()
    }
}
