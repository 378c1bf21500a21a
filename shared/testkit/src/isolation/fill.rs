//! Rows for the kinds of identifiers that a fixture lacks.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{
    TenantFixture,
    requests::{self, Operation},
};
use crate::Client;

/// Creates a row for each path segment with an identifier that `fixture` lacks: `POST` to the path before the identifier, with
/// the example of the document, whose texts become the fixture's first secret. Rows that other rows need come first, because
/// their paths are shorter. The paths of operations in `skip` need none.
pub async fn fill(document: &Value, client: &Client, fixture: &mut TenantFixture, skip: &[&str]) {
    let operations = requests::operations(document);
    let collections: BTreeSet<Vec<&str>> = operations
        .iter()
        .filter(|operation| !skip.contains(&operation.title().as_str()))
        .flat_map(|operation| collections(&operation.path))
        .collect();
    for collection in collections {
        let segment = collection[collection.len() - 1];
        if fixture.ids.contains_key(segment) {
            continue;
        }
        let template = format!("/{}", collection.join("/"));
        let is_creation = |one: &&Operation| one.method == Method::POST && one.path == template;
        let creation = operations.iter().find(is_creation).unwrap_or_else(|| {
            panic!("no operation creates {segment}: add an id for it to the fixture")
        });
        let body = secret_example(creation, document, &fixture.secrets[0]);
        let answer = client.post(&known_path(&template, fixture), body).await;
        assert_eq!(
            answer.status,
            201,
            "POST {template} with its example: {}. Correct the example, or add an id for {segment} to the fixture",
            answer.text()
        );
        fixture.ids.insert(segment.to_owned(), vec![answer.id()]);
    }
}

/// The paths before each identifier, as parts.
fn collections(path: &str) -> Vec<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    (1..parts.len())
        .filter(|position| parts[*position].starts_with('{'))
        .map(|position| parts[..position].to_vec())
        .collect()
}

/// The path with identifiers of the fixture.
fn known_path(template: &str, fixture: &TenantFixture) -> String {
    let mut path = String::new();
    let mut segment = "";
    for part in template.split('/').skip(1) {
        let part = if part.starts_with('{') {
            &fixture.ids[segment][0]
        } else {
            part
        };
        path.push('/');
        path.push_str(part);
        segment = part;
    }
    path
}

/// The example, with the secret in place of every free text.
fn secret_example(operation: &Operation, document: &Value, secret: &str) -> Value {
    let mut body = requests::example(operation, document).unwrap_or_else(|| json!({}));
    let schema = requests::schema(operation, document);
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    for (name, property) in properties.into_iter().flatten() {
        let is_free = ["format", "enum", "pattern", "$ref"]
            .iter()
            .all(|key| property.get(key).is_none());
        if property["type"] == "string" && is_free && body[name].is_string() {
            body[name] = json!(secret);
        }
    }
    body
}
