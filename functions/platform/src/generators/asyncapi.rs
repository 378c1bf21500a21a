//! Generates `docs/asyncapi.json`: every event as a document of `AsyncAPI` 3.0.
//!
//! A context is a channel, a function that publishes or a consumer an operation. A message is the CloudEvents envelope, whose
//! `data` has the schema of the event.

use std::collections::BTreeMap;

use ::events::{Envelope, EventKind, Subscription};
use serde_json::{Map, Value, json};

use crate::functions;

/// Returns the document.
pub fn document() -> Value {
    let mut contexts: BTreeMap<&str, Vec<&EventKind>> = BTreeMap::new();
    for kind in functions::ALL.iter().flat_map(|function| function.events) {
        contexts.entry(kind.context).or_default().push(kind);
    }
    let kinds = contexts.values().flatten();
    let messages: Map<String, Value> = kinds
        .map(|kind| (kind.r#type.to_owned(), message(kind)))
        .collect();
    let channels: Map<String, Value> = contexts
        .iter()
        .map(|(context, kinds)| ((*context).to_owned(), channel(context, kinds)))
        .collect();
    let mut operations = Map::new();
    for (context, kinds) in &contexts {
        let types = kinds.iter().map(|kind| kind.r#type);
        let summary = format!("Publish the events of {context}");
        operations.insert(
            format!("{context}.publish"),
            operation("send", &summary, context, types),
        );
    }
    for subscription in functions::subscriptions() {
        for (context, kinds) in &contexts {
            let types: Vec<&str> = kinds
                .iter()
                .map(|kind| kind.r#type)
                .filter(|kind| subscription.types.iter().any(|of| of == kind))
                .collect();
            if !types.is_empty() {
                let (name, summary) = consumer(&subscription, context);
                operations.insert(name, operation("receive", &summary, context, types));
            }
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Revalenz events",
            "version": "1.0.0",
            "description": "The events that functions publish and consume, in the structured JSON format of CloudEvents 1.0. \
                Events of one subject are delivered in order, at least once. A function receives them with \
                `POST /internal/events`, in the push format of Google Pub/Sub; how they get there depends on the bus.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"CloudEvent": Envelope::json_schema()}},
    })
}

fn channel(context: &str, kinds: &[&EventKind]) -> Value {
    let messages: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            let reference = format!("#/components/messages/{}", kind.r#type);
            (kind.r#type.to_owned(), json!({"$ref": reference}))
        })
        .collect();
    json!({
        "address": format!("/{context}"),
        "description": format!("The events of {context}; the address is their CloudEvents `source`."),
        "messages": messages,
    })
}

fn message(kind: &EventKind) -> Value {
    let data = (kind.schema)().to_json();
    json!({
        "name": kind.r#type,
        "title": kind.r#type,
        "summary": kind.doc.trim(),
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "type": {"const": kind.r#type},
                        "source": {"const": format!("/{}", kind.context)},
                        "data": data,
                    },
                },
            ],
        },
        "examples": [{"payload": kind.example_envelope()}],
    })
}

/// The name of a consumer's operation, and what it does.
fn consumer(subscription: &Subscription, context: &str) -> (String, String) {
    let name = format!("{}.{}", subscription.function, subscription.consumer);
    let summary = format!("Process events of {context} in {name}");
    (format!("{name}.{context}"), summary)
}

fn operation<'a>(
    action: &str,
    summary: &str,
    context: &str,
    types: impl IntoIterator<Item = &'a str>,
) -> Value {
    let messages: Vec<Value> = types
        .into_iter()
        .map(|r#type| json!({"$ref": format!("#/channels/{context}/messages/{type}")}))
        .collect();
    json!({
        "action": action,
        "summary": summary,
        "channel": {"$ref": format!("#/channels/{context}")},
        "messages": messages,
    })
}
