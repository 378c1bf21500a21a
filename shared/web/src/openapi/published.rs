//! The document as it is served and committed: what many operations repeat stands once under `components`, so that readers, editors
//! and generators of clients handle a third of the text.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::{
    Language,
    problem::{ProblemKind, kind_of_status},
};

/// How often a parameter or header must occur to stand under `components`.
const MIN_SHARED: usize = 3;
/// A request id for examples.
const REQUEST_ID: &str = "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f";

/// The document in its published form.
pub(super) fn publish(document: &OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for operation in operations(&mut document) {
        for parameter in list(operation, "parameters") {
            forget_null(&mut parameter["schema"]);
        }
    }
    share_responses(&mut document);
    share(&mut document, "parameters", |operation| {
        list(operation, "parameters").collect()
    });
    share(&mut document, "headers", |operation| {
        let responses = members(operation, "responses");
        responses
            .flat_map(|response| members(response, "headers"))
            .collect()
    });
    name_pages(&mut document);
    require_what_is_always_sent(&mut document);
    drop_unused_schemas(&mut document);
    document
}

/// The operations of the document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    members(document, "paths").flat_map(|path| {
        let methods = path.as_object_mut().into_iter().flatten();
        methods.map(|(_, operation)| operation)
    })
}

/// The values of an object's member that is an object itself.
fn members<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    let object = value.get_mut(name).and_then(Value::as_object_mut);
    object.into_iter().flatten().map(|(_, member)| member)
}

/// The items of an object's member that is a list.
fn list<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    value
        .get_mut(name)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// A query or header has no null: a parameter is left out instead.
fn forget_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    let alternatives = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    if let Some(alternatives) = alternatives {
        alternatives.retain(|alternative| alternative["type"] != "null");
        if let [only] = alternatives.as_slice() {
            *schema = only.clone();
        }
    }
}

/// One response for each status of a refusal: which codes an operation uses is in its `x-problems`.
fn share_responses(document: &mut Value) {
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].clone();
    let codes = codes.as_array().cloned().unwrap_or_default();
    let mut shared = Map::new();
    for operation in operations(document) {
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            let name = match response.pointer("/content/application~1problem+json") {
                Some(_) => format!("Problem{status}"),
                None if status == "304" => "NotModified".to_owned(),
                None => continue,
            };
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            let response = std::mem::replace(response, reference);
            shared
                .entry(name)
                .or_insert_with(|| general(status, response, &codes));
        }
    }
    document["components"]["responses"] = shared.into();
}

/// The response of one operation without what is special about it.
fn general(status: &str, mut response: Value, codes: &[Value]) -> Value {
    let status = status
        .parse()
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status.filter(|status| status.as_u16() >= 400) else {
        return response;
    };
    let reason = status.canonical_reason().unwrap_or_default();
    response["description"] = format!("{reason}: see `code`.").into();
    let kind: &'static ProblemKind = kind_of_status(status);
    if codes.iter().any(|code| code == kind.code) {
        let example = kind
            .problem()
            .document(Language::En, "/api/v1/tickets", REQUEST_ID);
        response["content"]["application/problem+json"]["example"] = example;
    }
    response
}

/// Moves what occurs often, of the values that `occurrences` finds in an operation, to `components` under `kind`.
fn share(
    document: &mut Value,
    kind: &str,
    occurrences: impl for<'a> Fn(&'a mut Value) -> Vec<&'a mut Value>,
) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for operation in operations(document) {
        for value in occurrences(operation) {
            *counts.entry(value.to_string()).or_default() += 1;
        }
    }
    let mut shared: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (text, _) in counts.into_iter().filter(|(_, count)| *count >= MIN_SHARED) {
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        // A header has its name outside; its description begins with what it is.
        let base = match value.get("name").and_then(Value::as_str) {
            Some(name) => camel_case(name),
            None => camel_case(first_words(&value)),
        };
        let mut name = base.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        shared.insert(text, (name, value));
    }
    for operation in operations(document) {
        for value in occurrences(operation) {
            if let Some((name, _)) = shared.get(&value.to_string()) {
                *value = json!({"$ref": format!("#/components/{kind}/{name}")});
            }
        }
    }
    if !shared.is_empty() {
        let shared: Map<String, Value> = shared.into_values().collect();
        document["components"][kind] = shared.into();
    }
}

fn first_words(header: &Value) -> &str {
    let text = header["description"].as_str().unwrap_or("Header");
    text.split([':', ',', '.', ';']).next().unwrap_or(text)
}

/// `X-Tenant-Id` as `XTenantId`.
fn camel_case(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect()
}

/// A page of tickets is a `TicketPage`, and its items refer to the schema of a ticket.
fn name_pages(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let Some(all) = schemas.as_object_mut() else {
        return;
    };
    let names: Vec<String> = all.keys().cloned().collect();
    let mut renamed = Vec::new();
    for name in names {
        let Some(item) = name.strip_prefix("Page_").map(str::to_owned) else {
            continue;
        };
        if let Some(mut page) = all.remove(&name) {
            if all.contains_key(&item) {
                page["properties"]["items"]["items"] =
                    json!({"$ref": format!("#/components/schemas/{item}")});
            }
            all.insert(format!("{item}Page"), page);
            renamed.push((name, format!("{item}Page")));
        }
    }
    each_reference(document, &mut |reference| {
        for (from, to) in &renamed {
            if reference.strip_prefix("#/components/schemas/") == Some(from) {
                *reference = format!("#/components/schemas/{to}");
            }
        }
    });
}

fn each_reference(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                match member {
                    Value::String(reference) if name == "$ref" => visit(reference),
                    other => each_reference(other, visit),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}

/// The schemas that `roots` refer to, directly or not.
fn reachable(document: &Value, roots: Vec<Value>) -> BTreeSet<String> {
    let schemas = &document["components"]["schemas"];
    let mut reached = BTreeSet::new();
    let mut waiting = roots;
    while let Some(mut value) = waiting.pop() {
        each_reference(&mut value, &mut |reference| {
            let name = reference.strip_prefix("#/components/schemas/");
            if let Some(name) = name
                && reached.insert(name.to_owned())
                && let Some(schema) = schemas.get(name)
            {
                waiting.push(schema.clone());
            }
        });
    }
    reached
}

/// A property that may be null is there all the same, in everything that we send: a member that may be missing is declared as not null.
fn require_what_is_always_sent(document: &mut Value) {
    let bodies = operations(document)
        .filter_map(|operation| operation.get("requestBody").cloned())
        .collect();
    let read = reachable(document, bodies);
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        // A problem has the members of its code only.
        if read.contains(name) || name == "Problem" {
            continue;
        }
        let mut parts = vec![&mut *schema];
        while let Some(part) = parts.pop() {
            if part["type"] == "object" && part["properties"].is_object() {
                require(part);
            }
            parts.extend(list(part, "allOf"));
        }
    }
}

fn require(object: &mut Value) {
    let is_nullable = |schema: &Value| {
        let in_type = schema["type"]
            .as_array()
            .is_some_and(|types| types.iter().any(|name| name == "null"));
        let alternatives = schema["oneOf"].as_array();
        in_type || alternatives.is_some_and(|all| all.iter().any(|one| one["type"] == "null"))
    };
    let properties = object["properties"].as_object().into_iter().flatten();
    let mut required: BTreeSet<String> = properties
        .filter(|(_, schema)| is_nullable(schema))
        .map(|(name, _)| name.clone())
        .collect();
    let before = object["required"].as_array().into_iter().flatten();
    required.extend(before.filter_map(|name| name.as_str().map(str::to_owned)));
    if !required.is_empty() {
        object["required"] = json!(required);
    }
}

fn drop_unused_schemas(document: &mut Value) {
    let mut roots = vec![document["paths"].clone()];
    roots.extend(
        ["responses", "parameters", "headers"].map(|kind| document["components"][kind].clone()),
    );
    let used = reachable(document, roots);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name));
    }
}
