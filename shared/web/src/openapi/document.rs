//! The OpenAPI 3.1 document of one context, and of all contexts merged.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Paths,
        Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{BASE, OperationDoc, versions::text_header};
use crate::problem::ProblemKind;

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "https://docs.revalenz.example/problems/validation_failed",
"title": "Invalid input",
    "status": 422,
    "code": "validation_failed",
    "detail": "At least one value is invalid. See errors for details.",
    "instance": "/api/v1/tickets",
    "request_id": "019ab1f2-6d3e-7c11-8e5a-3b1a2c3d4e5f",
    "errors": [{"pointer": "/title", "code": "too_long", "detail": "length must be at most 255"}]
}))]
pub struct ProblemDocument {
    /// URI of the documentation of the code.
    #[schema(format = "uri")]
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
    /// All invalid fields.
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
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(&status) {
        if !response.description.contains(&format!("`{}`", kind.code)) {
            response.description = format!("{}, `{}`", response.description, kind.code);
        }
        return;
    }
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .build();
    let mut response = ResponseBuilder::new()
        .description(format!("{}: `{}`", kind.title.en, kind.code))
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

/// Builds the document of the context `name`.
pub fn document(
    name: &str,
    description: &str,
    version: &str,
    operations: Vec<(HttpMethod, OperationDoc)>,
) -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas: Vec<_> = vec![(
        "Problem".to_owned(),
        <ProblemDocument as utoipa::PartialSchema>::schema(),
    )];
    ProblemDocument::schemas(&mut schemas);
    for (method, mut doc) in operations {
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
                .build(),
        )
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some([utoipa::openapi::tag::TagBuilder::new()
            .name(name)
            .description(Some(description.trim()))
            .build()]))
        .build()
}

/// Merges the documents of all contexts into one.
pub fn merge(version: &str, description: &str, documents: Vec<OpenApi>) -> OpenApi {
    let mut all = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Revalenz")
                .description(Some(format!("{}{EVERYWHERE}", description.trim())))
                .version(version)
                .build(),
        )
        .build();
    for document in documents {
        all.merge(document);
    }
    all
}

/// The document as committed and served: indented, keys in a stable order, with a trailing line break.
pub fn to_pretty_json(document: &OpenApi) -> String {
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}
