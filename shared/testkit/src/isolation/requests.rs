//! Requests derived from the OpenAPI document.

use http::Method;
use serde_json::{Value, json};

use super::TenantFixture;
use crate::{Client, TestResponse};

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: String,
    doc: Value,
}

impl Operation {
    /// `METHOD path`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A request with foreign identifiers.
#[derive(Clone, Debug)]
pub(super) struct Attack {
    pub(super) what: String,
    /// The foreign values in the request.
    pub(super) sent: Vec<String>,
    method: Method,
    path: String,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
    /// Foreign identifiers in the path.
    in_path: Vec<String>,
}

pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, doc) in item.as_object().unwrap() {
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) {
                all.push(Operation {
                    method,
                    path: path.clone(),
                    doc: doc.clone(),
                });
            }
        }
    }
    all
}

/// All requests with foreign values for this operation.
pub(super) fn attacks(
    operation: &Operation,
    document: &Value,
    victim: &TenantFixture,
    own: &TenantFixture,
) -> Vec<Attack> {
    let body = example(operation, document);
    let mut all = Vec::new();
    let foreign: Vec<String> = victim.ids.values().flatten().cloned().collect();
    for (path, in_path) in paths(&operation.path, victim, own) {
        let base = Attack {
            what: "path".to_owned(),
            sent: in_path.clone(),
            method: operation.method.clone(),
            path: path.clone(),
            body: body.clone(),
            headers: Vec::new(),
            in_path: in_path.clone(),
        };
        if !in_path.is_empty() {
            all.push(base.clone());
            continue;
        }
        // Only own identifiers in the path, so foreign ones go elsewhere. Deleting own rows is not an attack.
        if operation.method == Method::DELETE {
            continue;
        }
        if !path.contains('{') {
            let tenant = victim.ids["tenants"][0].clone();
            let mut header = base.clone();
            "X-Tenant-Id".clone_into(&mut header.what);
            header.sent = vec![tenant.clone()];
            header.headers = vec![("x-tenant-id", tenant), ("x-reason", "curious".to_owned())];
            all.push(header);
        }
        for (parameter, is_text) in query_parameters(operation, document) {
            let values = foreign.iter().chain(&victim.cursors).chain(&victim.secrets);
            // A number, a time or one of some words cannot carry a foreign value, so one is enough to see it refused.
            for value in values.take(if is_text { usize::MAX } else { 1 }) {
                let mut attack = base.clone();
                attack.what = format!("?{parameter}=");
                attack.sent = vec![value.clone()];
                attack.path = format!("{path}?{parameter}={}", encode(value));
                all.push(attack);
            }
        }
        for field in id_fields(operation, document) {
            for id in &foreign {
                let mut attack = base.clone();
                attack.what = format!("body {field}");
                attack.sent = vec![id.clone()];
                attack.body.get_or_insert_with(|| json!({}))[&field] = json!(id);
                all.push(attack);
            }
        }
    }
    all
}

/// The path with all combinations of foreign and own identifiers, and the foreign ones in it.
fn paths(
    template: &str,
    victim: &TenantFixture,
    own: &TenantFixture,
) -> Vec<(String, Vec<String>)> {
    let mut all = vec![(String::new(), Vec::new())];
    let mut segment = "";
    for part in template.split('/').skip(1) {
        let mut next = Vec::new();
        for (path, foreign) in &all {
            if !part.starts_with('{') {
                next.push((format!("{path}/{part}"), foreign.clone()));
                continue;
            }
            let theirs = victim.ids.get(segment);
            let theirs = theirs
                .unwrap_or_else(|| panic!("{template}: add an id for {segment} to the fixture"));
            for id in theirs {
                let mut foreign: Vec<String> = foreign.clone();
                foreign.push(id.clone());
                next.push((format!("{path}/{id}"), foreign));
            }
            for id in own.ids.get(segment).into_iter().flatten() {
                next.push((format!("{path}/{id}"), foreign.clone()));
            }
        }
        all = next;
        segment = part;
    }
    all
}

/// The query parameters, and whether each takes free text or identifiers.
fn query_parameters(operation: &Operation, document: &Value) -> Vec<(String, bool)> {
    let parameters = operation.doc["parameters"].as_array();
    parameters
        .into_iter()
        .flatten()
        .map(|parameter| resolve(parameter, document))
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            (name, is_text(resolve(&parameter["schema"], document)))
        })
        .collect()
}

fn is_text(schema: &Value) -> bool {
    let is_string = match &schema["type"] {
        Value::Array(types) => types.iter().any(|name| name == "string"),
        // Anything that is not plainly something else, such as a choice of schemas.
        name => name.is_null() || name == "string",
    };
    is_string && schema["enum"].is_null() && schema["format"] != "date-time"
}

/// What a reference points to, or the value itself.
fn resolve<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str();
    reference
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .unwrap_or(value)
}

pub(super) fn schema<'a>(operation: &'a Operation, document: &'a Value) -> Option<&'a Value> {
    let schema = &operation.doc["requestBody"]["content"]["application/json"]["schema"];
    Some(resolve(schema, document)).filter(|schema| schema.is_object())
}

pub(super) fn example(operation: &Operation, document: &Value) -> Option<Value> {
    let schema = schema(operation, document)?;
    Some(schema["examples"][0].clone())
        .filter(Value::is_object)
        .or_else(|| Some(json!({})))
}

/// Fields of the body that hold identifiers.
fn id_fields(operation: &Operation, document: &Value) -> Vec<String> {
    let Some(properties) =
        schema(operation, document).and_then(|schema| schema["properties"].as_object())
    else {
        return Vec::new();
    };
    properties
        .iter()
        .filter(|(_, schema)| schema["format"] == "uuid")
        .map(|(name, _)| name.clone())
        .collect()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Attack {
    pub(super) async fn send(&self, client: &Client) -> TestResponse {
        let mut call = client.call(self.method.clone(), &self.path);
        if let Some(body) = &self.body {
            call = call.json(body);
        }
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        call.send().await
    }

    /// The same request for rows that do not exist.
    pub(super) fn twin(&self) -> Option<Self> {
        if self.in_path.is_empty() {
            return None;
        }
        let mut twin = self.clone();
        twin.in_path = Vec::new();
        for id in &self.in_path {
            let missing = uuid::Uuid::from_bytes(access::opaque::random()).to_string();
            twin.path = twin.path.replace(id, &missing);
            twin.in_path.push(missing);
        }
        Some(twin)
    }

    /// Status and body without identifiers and request id.
    pub(super) fn without_ids(&self, answer: &TestResponse) -> (u16, String) {
        let mut text = answer.text();
        for id in &self.in_path {
            text = text.replace(id, "ID");
        }
        let request_id = answer.header("x-request-id");
        if !request_id.is_empty() {
            text = text.replace(request_id, "REQUEST");
        }
        (answer.status.as_u16(), text)
    }
}
