//! Generates `docs/events.md`: every event type.

use std::fmt::Write as _;

use ::events::{EventKind, Subscription};
use serde_json::Value;

use super::{header, table_cell};
use crate::functions;

/// Returns the page.
pub fn page() -> String {
    let mut page = header(
        "Events",
        "Events that functions publish, as CloudEvents 1.0. An event is stored in the transaction of the change; its data \
         contains identifiers and enumerated values, never names or addresses. [Writing a consumer](events-consumer.md) says how \
         to subscribe; [asyncapi.json](asyncapi.json) is the same as a document for tools.",
    );
    let subscriptions = functions::subscriptions();
    for function in functions::ALL {
        if function.events.is_empty() {
            continue;
        }
        // Writing into a String cannot fail.
        _ = writeln!(page, "\n## {}", function.name);
        for kind in function.events {
            page += &event(kind, &subscriptions);
        }
    }
    page
}

fn event(kind: &EventKind, subscriptions: &[Subscription]) -> String {
    let example = (kind.example)();
    let schema = (kind.schema)().to_json();
    let (about, _) = example.subject.split_once('/').unwrap_or_default();
    let mut text = format!(
        "\n### `{}`\n\n{} Subject: `{about}/…`.\n\n| field | type | description |\n| --- | --- | --- |\n",
        kind.r#type,
        kind.doc.trim(),
    );
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let description = description(field).unwrap_or_default();
        // Writing into a String cannot fail.
        _ = writeln!(
            text,
            "| `{name}` | {} | {} |",
            table_cell(&type_name(field)),
            table_cell(description)
        );
    }
    let consumers: Vec<String> = subscriptions
        .iter()
        .filter(|one| one.types.iter().any(|of| of == kind.r#type))
        .map(|one| format!("`{}.{}`", one.function, one.consumer))
        .collect();
    if !consumers.is_empty() {
        _ = writeln!(text, "\nConsumers: {}.", consumers.join(", "));
    }
    let data = serde_json::to_string_pretty(&example.data).unwrap_or_default();
    _ = writeln!(text, "\n```json\n{data}\n```");
    text
}

/// What a field says about itself. That of an optional field is in its alternative to null.
fn description(schema: &Value) -> Option<&str> {
    let mut alternatives = schema["oneOf"].as_array().into_iter().flatten();
    schema["description"]
        .as_str()
        .or_else(|| alternatives.find_map(description))
}

/// The type of a field in words: `string (uuid) or null`.
fn type_name(schema: &Value) -> String {
    for part in ["oneOf", "anyOf", "allOf"] {
        if let Some(alternatives) = schema[part].as_array() {
            let names: Vec<String> = alternatives.iter().map(type_name).collect();
            return names.join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|value| format!("`{value}`"))
            .collect();
        return values.join(", ");
    }
    match &schema["type"] {
        Value::Array(types) => {
            let names: Vec<String> = types
                .iter()
                .map(|one| {
                    let mut schema = schema.clone();
                    schema["type"] = one.clone();
                    type_name(&schema)
                })
                .collect();
            names.join(" or ")
        }
        Value::String(name) => match name.as_str() {
            "array" => format!("array of {}", type_name(&schema["items"])),
            "object" => object_name(schema),
            "string" => match schema["format"].as_str() {
                Some(format) => format!("string ({format})"),
                None => "string".to_owned(),
            },
            name => name.to_owned(),
        },
        _ => "any".to_owned(),
    }
}

fn object_name(schema: &Value) -> String {
    if let Some(properties) = schema["properties"].as_object() {
        let fields: Vec<String> = properties
            .iter()
            .map(|(name, field)| format!("`{name}`: {}", type_name(field)))
            .collect();
        return format!("object ({})", fields.join("; "));
    }
    match &schema["additionalProperties"] {
        values @ Value::Object(_) => format!("map to {}", type_name(values)),
        _ => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_named_in_words() {
        for (schema, expected) in [
            (json!({"type": "string", "format": "uuid"}), "string (uuid)"),
            (
                json!({"type": ["string", "null"], "format": "uuid"}),
                "string (uuid) or null",
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"type": "string", "enum": ["low", "high"]}]}),
                "null or `low`, `high`",
            ),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                "array of integer",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "boolean"}}),
                "map to boolean",
            ),
            (
                json!({"type": "object", "properties": {"id": {"type": "string"}}}),
                "object (`id`: string)",
            ),
        ] {
            assert_eq!(type_name(&schema), expected);
        }
    }
}
