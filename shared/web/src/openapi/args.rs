//! What each argument type contributes to the OpenAPI operation.

use axum::extract::State;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Schema,
        path::{ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::Type,
    },
};

use super::OperationDoc;
use crate::{IfMatch, PathIds, RequestInfo, ValidJson, ValidQuery, problem, query::Query};

/// A handler argument that can describe itself.
pub trait Arg {
    /// Adds its parameters, body and problem kinds.
    fn describe(doc: &mut OperationDoc);
    /// Adjusts the description when the argument is optional.
    fn optional(_: &mut OperationDoc) {}
}

impl<T: Arg> Arg for Option<T> {
    fn describe(doc: &mut OperationDoc) {
        T::describe(doc);
        T::optional(doc);
    }
}

/// The arguments of a handler, as axum's `Handler` names them.
pub trait Signature {
    /// Describes all arguments.
    fn describe(doc: &mut OperationDoc);
}

macro_rules! signatures {
    ($(($($arg:ident),*))*) => {$(
        impl<Marker, $($arg: Arg),*> Signature for (Marker, $($arg,)*) {
            fn describe(doc: &mut OperationDoc) {
                let _ = &doc;
                $($arg::describe(doc);)*
            }
        }
    )*};
}
signatures! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G) }

impl<S> Arg for State<S> {
    fn describe(_: &mut OperationDoc) {}
}
impl Arg for RequestInfo {
    fn describe(_: &mut OperationDoc) {}
}
impl Arg for http::HeaderMap {
    fn describe(_: &mut OperationDoc) {}
}

/// The parameter names come from the path template.
impl<T> Arg for PathIds<T> {
    fn describe(doc: &mut OperationDoc) {
        let names: Vec<String> = doc
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}').map(str::to_owned))
            .collect();
        for name in names {
            let about = format!("Identifier of the {}.", noun(&doc.path, &name));
            doc.reads(
                ParameterBuilder::new()
                    .name(name)
                    .description(Some(about))
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(<ids::TenantId as PartialSchema>::schema()))
                    .build(),
            );
        }
        doc.refuses(&problem::NOT_FOUND);
    }
}

/// What a parameter of a path identifies: `/api-keys/{id}` an API key.
fn noun(path: &str, parameter: &str) -> String {
    if let Some(noun) = parameter.strip_suffix("_id") {
        return noun.replace('_', " ");
    }
    let (before, _) = path
        .split_once(&format!("/{{{parameter}}}"))
        .unwrap_or((path, ""));
    let things = before
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .replace('-', " ");
    let thing = match things.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => things.strip_suffix('s').unwrap_or(&things).to_owned(),
    };
    thing.replace("api ", "API ")
}

impl<T: Query> Arg for ValidQuery<T> {
    fn describe(doc: &mut OperationDoc) {
        for parameter in T::parameters() {
            if parameter.name == "cursor" {
                doc.refuses(&problem::INVALID_CURSOR);
            }
            doc.reads(parameter);
        }
        doc.refuses(&problem::VALIDATION_FAILED);
    }
}

impl<T: ToSchema> Arg for ValidJson<T> {
    fn describe(doc: &mut OperationDoc) {
        json_body::<T>(doc);
    }
    fn optional(doc: &mut OperationDoc) {
        if let Some(RefOr::T(body)) = &mut doc.operation.request_body {
            body.required = Some(Required::False);
        }
    }
}

/// Documents a JSON body of type `T`. For body extractors of other crates.
pub fn json_body<T: ToSchema>(doc: &mut OperationDoc) {
    let name = T::name().into_owned();
    let schema: RefOr<Schema> = RefOr::Ref(Ref::from_schema_name(name.clone()));
    doc.schemas.push((name, T::schema()));
    T::schemas(&mut doc.schemas);
    doc.operation.request_body = Some(RefOr::T(
        RequestBodyBuilder::new()
            .content(
                "application/json",
                ContentBuilder::new().schema(Some(schema)).build(),
            )
            .required(Some(Required::True))
            .build(),
    ));
    for kind in [
        &problem::INVALID_JSON,
        &problem::REQUEST_TIMEOUT,
        &problem::TOO_LARGE,
        &problem::UNSUPPORTED_MEDIA_TYPE,
        &problem::VALIDATION_FAILED,
    ] {
        doc.refuses(kind);
    }
}

impl Arg for IfMatch {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(header(
            "If-Match",
            "The `ETag` of the version to change.",
            "\"3\"",
        ));
        doc.refuses(&problem::INVALID_HEADER);
        doc.refuses(&problem::PRECONDITION_FAILED);
    }
}

/// An optional request header.
pub fn header(name: &str, description: &str, example: &str) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        // In the description: a page that tries the operation would send an example as a value.
        .description(Some(format!("{description} Example: `{example}`.")))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}
