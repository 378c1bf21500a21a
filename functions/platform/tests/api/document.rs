//! The merged OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};

use platform::{
    functions,
    generators::{self, OperationEntry},
    site,
};
use serde_json::Value;

fn merged() -> Value {
    let services = functions::services().unwrap();
    serde_json::to_value(site::document(&services)).unwrap()
}

fn operations() -> Vec<OperationEntry> {
    generators::operations(&site::document(&functions::services().unwrap()))
}

/// Collects every `$ref` below a value.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference);
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_openapi_3_1_and_every_reference_resolves() {
    let document = merged();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap_or_default();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn it_has_every_route_of_every_function_and_no_conflicting_schemas() {
    let document = merged();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for service in functions::services().unwrap() {
        let own = serde_json::to_value(&service.document).unwrap();
        for (path, item) in own["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                assert!(
                    document["paths"][path].get(method).is_some(),
                    "{method} {path}"
                );
            }
        }
        let own = own["components"]["schemas"].as_object().unwrap();
        // Those of problems have the codes and members of the function; the merged ones of all.
        let own = own.iter().filter(|(name, _)| !name.starts_with("Problem"));
        for (name, schema) in own {
            let known = schemas
                .entry(name.clone())
                .or_insert_with(|| schema.clone());
            assert_eq!(known, schema, "two functions have different schemas {name}");
        }
    }
    let names: Vec<_> = functions::ALL
        .iter()
        .map(|function| function.name)
        .collect();
    let tags: Vec<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    assert_eq!(tags, names);
}

#[tokio::test]
async fn every_operation_has_a_unique_id_a_permission_and_problem_documents() {
    let document = merged();
    let mut names = BTreeSet::new();
    for operation in operations() {
        let what = format!("{} {}", operation.method, operation.path);
        assert!(
            names.insert(operation.id.clone()),
            "{what}: {} is not unique",
            operation.id
        );
        let full = &document["paths"][&operation.path][&operation.method];
        let public = full["security"].as_array().is_none_or(|schemes| {
            schemes
                .iter()
                .any(|scheme| scheme.as_object().unwrap().is_empty())
        });
        assert!(
            public || operation.permission.is_some(),
            "{what} has no permission"
        );
        assert!(full["summary"].is_string(), "{what} has no summary");
        for (status, answer) in full["responses"].as_object().unwrap() {
            if status.starts_with(['4', '5']) {
                let content = &answer["content"];
                assert!(
                    content.get("application/problem+json").is_some(),
                    "{what} {status}"
                );
            }
        }
    }
    assert!(names.len() > 40, "{}", names.len());
}

#[tokio::test]
async fn versioned_resources_document_etags_and_conditional_requests() {
    let document = merged();
    let operation = |path: &str, method: &str| document["paths"][path][method].clone();
    let reads = |operation: &Value, header: &str| {
        let parameters = operation["parameters"].as_array().unwrap();
        parameters
            .iter()
            .any(|parameter| parameter["name"] == header)
    };
    let ticket = operation("/api/v1/tickets/{id}", "get");
    assert!(ticket["responses"]["200"]["headers"]["ETag"].is_object());
    assert!(ticket["responses"]["304"].is_object());
    assert!(reads(&ticket, "If-None-Match") && reads(&ticket, "X-Tenant-Id"));
    let created = operation("/api/v1/tenants", "post");
    for header in ["ETag", "Location"] {
        assert!(
            created["responses"]["201"]["headers"][header].is_object(),
            "{header}"
        );
    }
    let list = operation("/api/v1/tickets", "get");
    assert!(list["responses"].get("304").is_none() && !reads(&list, "If-None-Match"));
    for header in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
        assert!(
            list["responses"]["429"]["headers"][header].is_object(),
            "{header}"
        );
    }
    assert!(
        document["info"]["description"]
            .as_str()
            .unwrap()
            .contains("405")
    );
}

#[tokio::test]
async fn it_has_the_paths_of_the_requirements() {
    let document = merged();
    for (path, methods) in [
        ("/auth/login", "post"),
        ("/auth/register", "post"),
        ("/auth/refresh", "post"),
        ("/auth/logout", "post"),
        ("/auth/status", "get"),
        ("/tickets", "get post"),
        ("/tickets/{id}", "get put delete"),
        ("/tickets/{id}/comments", "get post"),
        ("/users", "get post"),
        ("/users/{id}", "get put delete"),
        ("/users/{id}/expertise", "get put"),
        ("/tenants", "get post"),
        ("/tenants/{id}", "get put"),
        ("/tenants/{id}/settings", "get put"),
    ] {
        for method in methods.split(' ') {
            let item = &document["paths"][format!("/api/v1{path}")];
            assert!(item.get(method).is_some(), "{method} {path}");
        }
    }
}

/// Codes that no operation names, each with the reason.
const WITHOUT_OPERATION: &[(&str, &str)] = &[
    ("internal_error", "a bug, anywhere"),
    ("timed_out", "any operation that hangs"),
    ("method_not_allowed", "a path without this method"),
    (
        "conflict",
        "a conflict in the database that no rule foresaw",
    ),
    (
        "account_not_active",
        "in the address of the page after a sign-in at a provider",
    ),
    (
        "address_not_verified",
        "in the address of the page after a sign-in at a provider",
    ),
    (
        "link_requires_sign_in",
        "in the address of the page after a sign-in at a provider",
    ),
    (
        "provider_refused",
        "in the address of the page after a sign-in at a provider",
    ),
    (
        "provider_unavailable",
        "in the address of the page after a sign-in at a provider",
    ),
    (
        "sign_in_cancelled",
        "in the address of the page after a sign-in at a provider",
    ),
];

#[tokio::test]
async fn every_code_is_named_by_an_operation_or_says_why_not() {
    let document = merged();
    let mut named = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let codes = operation["x-problems"].as_array().unwrap();
            named.extend(codes.iter().map(|code| code.as_str().unwrap().to_owned()));
        }
    }
    let declared = generators::problem_kinds().map(|kind| kind.code.to_owned());
    let unnamed: BTreeSet<String> = declared.filter(|code| !named.contains(code)).collect();
    let listed: BTreeSet<String> = WITHOUT_OPERATION
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect();
    assert_eq!(unnamed, listed);
}
