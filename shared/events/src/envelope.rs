//! The event envelope: CloudEvents 1.0 in structured JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ids::{EventId, TenantId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use web::{
    Localized,
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

use crate::{ConsumeError, EventSchema};

/// The version of CloudEvents.
const SPEC_VERSION: &str = "1.0";
/// Media type of `data`.
const JSON: &str = "application/json";
/// Maximum length of an attribute in characters.
const MAX_ATTRIBUTE_LENGTH: usize = 512;

/// An event with its metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Envelope {
    /// The event id; the same for every delivery.
    pub id: EventId,
    /// The producing context, such as `/support`.
    pub source: String,
    /// The event type, such as `de.revalenz.support.ticket.created.v1`.
    pub r#type: String,
    /// The subject, such as `ticket/<id>`. Events of one subject are delivered in order.
    pub subject: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// The tenant (`tenantid`).
    pub tenant: TenantId,
    /// The version of the subject after the change (`sequence`), which lets consumers detect stale events.
    pub version: i64,
    /// The request that caused it (`requestid`).
    pub request_id: Option<String>,
    /// The trace that it belongs to (W3C).
    pub traceparent: Option<String>,
    /// The payload: identifiers and plain values.
    pub data: Value,
    /// Encrypted confidential payload.
    pub sealed: Option<Vec<u8>>,
}

/// An invalid envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EnvelopeError(&'static str);

impl Envelope {
    /// Deserializes the data into a consumer's own type. Data of another form is poison: it will never change.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, ConsumeError> {
        T::deserialize(&self.data).map_err(|error| ConsumeError::Poison(format!("data: {error}")))
    }

    /// The JSON Schema of the envelope.
    pub fn json_schema() -> Value {
        EventSchema::of::<Wire>().to_json()
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> String {
        // Plain texts and numbers: serializing them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An event in the structured JSON format of CloudEvents 1.0.
///
/// Unknown attributes are allowed by the specification, and ignored.
#[derive(Serialize, Deserialize, ToSchema)]
struct Wire {
    /// The version of CloudEvents: `1.0`.
    specversion: String,
    /// The event's identifier; the same for every delivery.
    id: EventId,
    /// The context that publishes it, such as `/support`.
    source: String,
    /// The event type.
    r#type: String,
    /// What the event is about. Events of one subject are delivered in order.
    subject: String,
    /// When it happened.
    time: DateTime<Utc>,
    /// The media type of `data`: `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    datacontenttype: Option<String>,
    /// The tenant.
    tenantid: TenantId,
    /// The version of the subject after the change, in 19 digits. A lower one than the last is outdated.
    sequence: String,
    /// The request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    requestid: Option<String>,
    /// The trace that it belongs to (W3C Trace Context).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    traceparent: Option<String>,
    /// A secret for its recipient, such as a one-time link: encrypted, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sealed: Option<String>,
    /// The data of the event type: identifiers and codes.
    #[serde(default)]
    #[schema(value_type = Object)]
    data: Value,
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        Self {
            specversion: SPEC_VERSION.to_owned(),
            id: envelope.id,
            source: envelope.source,
            r#type: envelope.r#type,
            subject: envelope.subject,
            time: envelope.time,
            datacontenttype: Some(JSON.to_owned()),
            tenantid: envelope.tenant,
            // The extension requires strings that sort like the numbers.
            sequence: format!("{:019}", envelope.version),
            requestid: envelope.request_id,
            traceparent: envelope.traceparent,
            sealed: envelope.sealed.map(|sealed| STANDARD.encode(sealed)),
            data: envelope.data,
        }
    }
}

impl TryFrom<Wire> for Envelope {
    type Error = EnvelopeError;

    fn try_from(wire: Wire) -> Result<Self, EnvelopeError> {
        if wire.specversion != SPEC_VERSION {
            return Err(EnvelopeError("specversion must be 1.0"));
        }
        if wire.datacontenttype.is_some_and(|given| given != JSON) {
            return Err(EnvelopeError("datacontenttype must be application/json"));
        }
        for text in [&wire.source, &wire.r#type, &wire.subject] {
            if text.is_empty() || text.chars().count() > MAX_ATTRIBUTE_LENGTH {
                return Err(EnvelopeError(
                    "source, type and subject must have 1 to 512 characters",
                ));
            }
        }
        let sealed = wire.sealed.map(|sealed| STANDARD.decode(sealed));
        Ok(Self {
            id: wire.id,
            source: wire.source,
            r#type: wire.r#type,
            subject: wire.subject,
            time: wire.time,
            tenant: wire.tenantid,
            version: wire
                .sequence
                .parse()
                .map_err(|_| EnvelopeError("sequence must be a decimal number"))?,
            request_id: wire.requestid,
            traceparent: wire.traceparent,
            data: wire.data,
            sealed: sealed
                .transpose()
                .map_err(|_| EnvelopeError("sealed must be base64"))?,
        })
    }
}

/// Read like any other body, so that NUL characters and the like are rejected.
impl Field for Envelope {
    fn read(value: Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        if let Ok(envelope) = serde_json::from_value(value) {
            return Some(envelope);
        }
        let texts = Localized {
            de: "muss ein gültiges Ereignis nach CloudEvents 1.0 sein",
            en: "must be a valid CloudEvents 1.0 envelope",
        };
        errors.refuse(at, FieldCode::InvalidFormat(texts))
    }

    fn schema() -> RefOr<Schema> {
        Wire::schema()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn sample() -> Envelope {
        Envelope {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            source: "/support".to_owned(),
            r#type: "de.revalenz.support.ticket.created.v1".to_owned(),
            subject: "ticket/00000000-0000-0000-0000-000000000002".to_owned(),
            time: "2026-11-20T10:00:00Z".parse().unwrap(),
            tenant: TenantId::from_uuid(Uuid::from_u128(3)),
            version: 7,
            request_id: Some("r-1".to_owned()),
            traceparent: None,
            data: json!({"ticket_id": "00000000-0000-0000-0000-000000000002"}),
            sealed: Some(vec![1, 2, 255]),
        }
    }

    #[test]
    fn the_wire_form_is_cloudevents() {
        assert_eq!(
            serde_json::to_value(sample()).unwrap(),
            json!({
                "specversion": "1.0",
                "id": "00000000-0000-0000-0000-000000000001",
                "source": "/support",
                "type": "de.revalenz.support.ticket.created.v1",
                "subject": "ticket/00000000-0000-0000-0000-000000000002",
                "time": "2026-11-20T10:00:00Z",
                "datacontenttype": "application/json",
                "tenantid": "00000000-0000-0000-0000-000000000003",
                "sequence": "0000000000000000007",
                "requestid": "r-1",
                "sealed": "AQL/",
                "data": {"ticket_id": "00000000-0000-0000-0000-000000000002"},
            })
        );
    }

    #[test]
    fn unknown_attributes_are_ignored_and_invalid_ones_refused() {
        let document = serde_json::to_value(sample()).unwrap();
        let with = |name: &str, value: Value| {
            let mut document = document.clone();
            document[name] = value;
            serde_json::from_value::<Envelope>(document)
        };
        assert_eq!(with("partitionkey", json!("a")).unwrap(), sample());
        for (name, value) in [
            ("specversion", json!("0.3")),
            ("id", json!("1")),
            ("tenantid", json!(null)),
            ("sequence", json!("x")),
            ("sequence", json!("99999999999999999999")),
            ("sealed", json!("%")),
            ("time", json!("yesterday")),
            ("type", json!("")),
            ("subject", json!("x".repeat(513))),
            ("datacontenttype", json!("text/xml")),
        ] {
            assert!(with(name, value).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn an_envelope_survives_a_round_trip(
            version in any::<i64>(),
            subject in "[a-z/0-9ü]{1,40}",
            sealed in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64)),
            request_id in proptest::option::of("[a-z-]{1,20}"),
            text in ".*",
        ) {
            let sent = Envelope { version, subject, sealed, request_id, data: json!({"text": text}), ..sample() };
            prop_assert_eq!(serde_json::from_str::<Envelope>(&sent.to_json()).unwrap(), sent);
        }
    }
}
