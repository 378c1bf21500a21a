//! Versioned resources: responses with an `ETag`, and conditional requests.
//!
//! A handler's signature does not say which responses are versioned, but their schemas do: they have a `version`.

use utoipa::openapi::{
    HttpMethod, ObjectBuilder, RefOr, Response, ResponseBuilder, Schema,
    header::{Header, HeaderBuilder},
    schema::Type,
};

use super::{OperationDoc, header};

/// Documents the headers of the operation's responses, once its schemas are known.
pub(super) fn describe(doc: &mut OperationDoc, method: &HttpMethod) {
    let versioned: Vec<String> = doc
        .schemas
        .iter()
        .filter(|(name, _)| has_version(name, &doc.schemas))
        .map(|(name, _)| name.clone())
        .collect();
    let mut revalidates = false;
    for (status, response) in &mut doc.operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if status == "201" {
            add_header(response, "Location", "Absolute path of the new resource.");
        }
        if status.starts_with('2') && body(response).is_some_and(|name| versioned.contains(&name)) {
            add_header(
                response,
                "ETag",
                "The version in quotes, for `If-Match` and `If-None-Match`.",
            );
            revalidates |= status == "200" && *method == HttpMethod::Get;
        }
    }
    if revalidates {
        doc.reads(header(
            "If-None-Match",
            "The `ETag` of the version that the client already has.",
            "\"3\"",
        ));
        let same = ResponseBuilder::new()
            .description("Not modified: the client already has this version.")
            .header("ETag", text_header("The version in quotes."))
            .build();
        let responses = &mut doc.operation.responses.responses;
        responses.insert("304".to_owned(), same.into());
    }
}

/// A response header with a text value.
pub(super) fn text_header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new()
        .schema(Some(text))
        .description(Some(description))
        .build()
}

fn add_header(response: &mut Response, name: &str, description: &str) {
    let header = text_header(description);
    response.headers.insert(name.to_owned(), header.into());
}

/// The schema name of a JSON response body.
fn body(response: &Response) -> Option<String> {
    match response.content.get("application/json")? {
        RefOr::T(content) => name(content.schema.as_ref()?),
        RefOr::Ref(_) => None,
    }
}

fn name(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::Ref(to) => to.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    }
}

fn has_version(wanted: &str, schemas: &[(String, RefOr<Schema>)]) -> bool {
    let of = |schema: &RefOr<Schema>| match (schema, name(schema)) {
        (RefOr::T(Schema::Object(object)), _) => object.properties.contains_key("version"),
        (_, Some(part)) => part != wanted && has_version(&part, schemas),
        _ => false,
    };
    schemas
        .iter()
        .find(|(name, _)| name == wanted)
        .is_some_and(|(_, schema)| match schema {
            // A resource with additional members.
            RefOr::T(Schema::AllOf(parts)) => parts.items.iter().any(of),
            other => of(other),
        })
}
