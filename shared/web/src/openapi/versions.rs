//! What every resource with a version does: it comes with an `ETag`, and needn't be sent twice.
//!
//! A handler's signature does not tell which answers those are, but their schemas do: a resource has a `version`.

use utoipa::openapi::{
    HttpMethod, ObjectBuilder, RefOr, Response, ResponseBuilder, Schema,
    header::{Header, HeaderBuilder},
    schema::Type,
};

use super::{OperationDoc, header};

/// Completes the operation's answers, once its schemas are known.
pub(super) fn describe(doc: &mut OperationDoc, method: &HttpMethod) {
    let versioned: Vec<String> = doc
        .schemas
        .iter()
        .filter(|(name, _)| has_version(name, &doc.schemas))
        .map(|(name, _)| name.clone())
        .collect();
    let mut revalidates = false;
    for (status, answer) in &mut doc.operation.responses.responses {
        let RefOr::T(answer) = answer else {
            continue;
        };
        if status == "201" {
            tell(
                answer,
                "Location",
                "Where it is from now on: an absolute path.",
            );
        }
        if status.starts_with('2') && body(answer).is_some_and(|name| versioned.contains(&name)) {
            tell(
                answer,
                "ETag",
                "The version in quotes; for `If-Match` and `If-None-Match`.",
            );
            revalidates |= status == "200" && *method == HttpMethod::Get;
        }
    }
    if revalidates {
        doc.reads(header(
            "If-None-Match",
            "The `ETag` of the version that the client has already.",
            "\"3\"",
        ));
        let same = ResponseBuilder::new()
            .description("The client has this version already.")
            .header("ETag", text_header("The version in quotes."))
            .build();
        let responses = &mut doc.operation.responses.responses;
        responses.insert("304".to_owned(), same.into());
    }
}

/// A header of an answer.
pub(super) fn text_header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new()
        .schema(Some(text))
        .description(Some(description))
        .build()
}

fn tell(answer: &mut Response, name: &str, description: &str) {
    let header = text_header(description);
    answer.headers.insert(name.to_owned(), header.into());
}

/// The schema's name of a JSON body.
fn body(answer: &Response) -> Option<String> {
    match answer.content.get("application/json")? {
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
            // A resource with something beside it.
            RefOr::T(Schema::AllOf(parts)) => parts.items.iter().any(of),
            other => of(other),
        })
}
