//! The OpenAPI 3.1 document of one context, and of all contexts merged.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ArrayBuilder, ComponentsBuilder, Contact, ContactBuilder, ContentBuilder, HttpMethod,
        InfoBuilder, KnownFormat, License, LicenseBuilder, Object, ObjectBuilder, OpenApi,
        OpenApiBuilder, Paths, Ref, RefOr, ResponseBuilder, Schema, SchemaFormat, Server,
        ServerBuilder,
        path::Operation,
        schema::{SchemaType, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{BASE, OperationDoc, published::publish, versions::text_header};
use crate::problem::{MemberType, ProblemKind};

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/validation_failed",
    "title": "Invalid input",
    "status": 422,
    "code": "validation_failed",
    "detail": "At least one value is invalid. See errors for details.",
    "instance": "/api/v1/tickets",
    "request_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "errors": [{"pointer": "/title", "code": "too_long", "detail": "length must be at most 255"}]
}))]
pub struct ProblemDocument {
    /// Page that explains the code, relative to the address that was called.
    #[schema(format = "uri-reference")]
    r#type: String,
    /// Short summary, the same for every occurrence of the code.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable code for programs.
    code: String,
    /// What happened and what to do next.
    detail: String,
    /// The path of the request.
    instance: String,
    /// Identifies the request in our logs.
    request_id: String,
    /// All invalid fields, if the code is about fields.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
}

/// One invalid field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON Pointer (RFC 6901) into the body, or `/` and the name of a query parameter.
    pub(crate) pointer: String,
    /// Stable code for programs.
    pub(crate) code: String,
    /// Explanation for people.
    pub(crate) detail: String,
}

/// A readable line: `/email: must be an email address (invalid_format)`.
impl std::fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            pointer,
            code,
            detail,
        } = self;
        if !pointer.is_empty() {
            write!(f, "{pointer}: ")?;
        }
        write!(f, "{detail} ({code})")
    }
}

/// Rules of every operation, stated once in the description of the document.
const EVERYWHERE: &str = "\n\nErrors are problem documents (RFC 9457) with a stable `code`. An existing path without the requested method \
    returns `405` with an `Allow` header. Every `GET` operation also supports `HEAD`. Every response has an `X-Request-Id` header; responses to \
    rate-limited requests also have `RateLimit-Policy` and `RateLimit`.";

/// Headers of error responses that say when to retry.
fn headers_of(status: StatusCode) -> &'static [(&'static str, &'static str)] {
    const RETRY_AFTER: (&str, &str) = ("Retry-After", "Seconds to wait before retrying.");
    match status {
        StatusCode::TOO_MANY_REQUESTS => &[
            RETRY_AFTER,
            (
                "RateLimit-Policy",
                "The limit: `q` requests per `w` seconds.",
            ),
            (
                "RateLimit",
                "Requests left: `r`; the limit is fully reset in `t` seconds.",
            ),
        ],
        StatusCode::SERVICE_UNAVAILABLE => &[RETRY_AFTER],
        _ => &[],
    }
}

pub(super) fn add_refusal(operation: &mut Operation, kind: &'static ProblemKind) {
    let status = kind.status.as_u16().to_string();
    if operation.responses.responses.contains_key(&status) {
        return;
    }
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .build();
    let mut response = ResponseBuilder::new()
        .description(kind.title.en)
        .content("application/problem+json", content);
    for (name, description) in headers_of(kind.status) {
        response = response.header(*name, text_header(description));
    }
    let response = response.build();
    operation
        .responses
        .responses
        .insert(status, response.into());
}

/// The host that serves the document.
fn server() -> Server {
    ServerBuilder::new()
        .url("/")
        .description(Some("The host that serves this document."))
        .build()
}

fn license() -> License {
    LicenseBuilder::new()
        .name("All rights reserved")
        .identifier(Some("LicenseRef-Proprietary"))
        .build()
}

fn contact() -> Contact {
    ContactBuilder::new()
        .name(Some("Revalenz"))
        .url(Some("https://revalenz.example"))
        .build()
}

/// Builds the document of the context `name`.
pub fn document(
    name: &str,
    description: &str,
    version: &str,
    operations: Vec<(HttpMethod, OperationDoc)>,
) -> OpenApi {
    let mut paths = Paths::new();
    let refusals = operations.iter().flat_map(|(_, doc)| &doc.refusals);
    let mut schemas = Vec::from(problem_schemas(refusals.copied()));
    ProblemDocument::schemas(&mut schemas);
    for (method, mut doc) in operations {
        doc.describe_refusals();
        doc.operation.tags = Some(vec![name.to_owned()]);
        let path = if super::is_root(&doc.path) {
            doc.path
        } else {
            format!("{BASE}{}", doc.path)
        };
        paths.add_path_operation(path, vec![method], doc.operation);
        schemas.append(&mut doc.schemas);
    }
    let mut components = ComponentsBuilder::new().schemas_from_iter(schemas);
    components = components
        .security_scheme(
            "bearer",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("JWT")
                    .build(),
            ),
        )
        .security_scheme(
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "X-API-Key",
                "A tenant's API key. It is also accepted as a bearer token.",
            ))),
        );
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title(format!("Revalenz {name}"))
                .description(Some(format!("{}{EVERYWHERE}", description.trim())))
                .version(version)
                .license(Some(license()))
                .contact(Some(contact()))
                .build(),
        )
        .servers(Some([server()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some([utoipa::openapi::tag::TagBuilder::new()
            .name(name)
            .description(Some(description.trim()))
            .build()]))
        .build()
}

/// The schemas of a problem document with the members that these kinds declare, and of their codes.
fn problem_schemas(
    kinds: impl Iterator<Item = &'static ProblemKind>,
) -> [(String, RefOr<Schema>); 2] {
    let kinds: BTreeMap<&str, &ProblemKind> = kinds.map(|kind| (kind.code, kind)).collect();
    let mut problem = <ProblemDocument as utoipa::PartialSchema>::schema();
    if let RefOr::T(Schema::Object(object)) = &mut problem {
        let code = RefOr::Ref(Ref::from_schema_name("ProblemCode"));
        object.properties.insert("code".to_owned(), code);
        for kind in kinds.values() {
            for member in kind.members {
                let about = format!("{} With `{}`.", member.about, kind.code);
                let name = member.name.to_owned();
                let schema = || member_schema(member.member_type, about).into();
                object.properties.entry(name).or_insert_with(schema);
            }
        }
    }
    let codes = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(kinds.keys().copied()))
        .description(Some(
            "Stable code of a problem. New ones are added; treat an unknown one by its status.",
        ));
    [
        ("Problem".to_owned(), problem),
        ("ProblemCode".to_owned(), codes.into()),
    ]
}

fn member_schema(member_type: MemberType, about: String) -> Schema {
    let builder = ObjectBuilder::new().description(Some(&about));
    let builder = match member_type {
        MemberType::Integer => builder.schema_type(Type::Integer),
        MemberType::Text => builder.schema_type(Type::String),
        MemberType::Object => builder.schema_type(Type::Object),
        MemberType::Time => builder
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        MemberType::Texts => {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let list = ArrayBuilder::new().items(text).description(Some(about));
            return Schema::Array(list.build());
        }
    };
    Schema::Object(builder.build())
}

/// Adds the codes and members of `more` to the schemas of problem documents in `all`.
fn merge_problems(all: &mut OpenApi, more: &OpenApi) {
    let schemas = |document: &OpenApi| {
        let components = document.components.as_ref();
        components.map(|components| components.schemas.clone())
    };
    let (Some(mut known), Some(mut new)) = (schemas(all), schemas(more)) else {
        return;
    };
    if !known.contains_key("Problem") {
        return;
    }
    let [mut taken, mut added] = [&mut known, &mut new].map(|schemas| {
        ["Problem", "ProblemCode"].map(|name| match schemas.remove(name) {
            Some(RefOr::T(Schema::Object(object))) => object,
            _ => Object::default(),
        })
    });
    for (name, schema) in std::mem::take(&mut added[0].properties) {
        taken[0].properties.entry(name).or_insert(schema);
    }
    let codes = [&taken[1].enum_values, &added[1].enum_values];
    let codes = codes.into_iter().flatten().flatten();
    let codes: BTreeSet<&str> = codes.filter_map(Value::as_str).collect();
    taken[1].enum_values = Some(codes.into_iter().map(Value::from).collect());
    if let Some(components) = &mut all.components {
        for (name, schema) in ["Problem", "ProblemCode"].into_iter().zip(taken) {
            let schema = RefOr::T(Schema::Object(schema));
            components.schemas.insert(name.to_owned(), schema);
        }
    }
}

/// Merges the documents of all contexts into one.
pub fn merge(version: &str, description: &str, documents: Vec<OpenApi>) -> OpenApi {
    let mut all = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Revalenz")
                .description(Some(format!("{}{EVERYWHERE}", description.trim())))
                .version(version)
                .license(Some(license()))
                .contact(Some(contact()))
                .build(),
        )
        .servers(Some([server()]))
        .build();
    for document in documents {
        merge_problems(&mut all, &document);
        all.merge(document);
    }
    all
}

/// The document as committed and served: indented, keys in a stable order, with a trailing line break.
pub fn to_pretty_json(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(&publish(document)).unwrap_or_default();
    text.push('\n');
    text
}
