//! Google Pub/Sub's push format, used for all event deliveries: written by the relay, read by functions.

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

/// Path of the event endpoint of every subscribed function.
pub const PATH: &str = "/internal/events";

/// The message attribute that names the target function.
pub const FUNCTION: &str = "function";

/// The body of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    data: Vec<u8>,
    attributes: BTreeMap<String, String>,
}

impl Push {
    /// The contained event; `400` or `422` if it is invalid.
    pub fn open(&self) -> Result<Envelope, Problem> {
        json::parse(&self.data)
    }

    /// An attribute of the message.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The ordering key: messages of one aggregate are delivered in order.
pub fn ordering_key(envelope: &Envelope) -> String {
    format!("{}/{}", envelope.tenant, envelope.subject)
}

/// Builds the push request body for an event, in the format of Pub/Sub.
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

/// Only `message.data` and string attributes are read. The rest is Google's to change, so unknown members are ignored.
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
            de: "muss Base64 sein",
            en: "must be base64",
        };
        errors.refuse(&place, FieldCode::InvalidFormat(texts))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A Google Pub/Sub push message."))
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
