//! The name of a provider in the path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use utoipa::openapi::{
    ObjectBuilder, Required,
    path::{ParameterBuilder, ParameterIn},
    schema::Type,
};
use web::{
    Problem,
    openapi::{Arg, OperationDoc},
    problem,
};

/// The name from the path; whether the provider exists is checked later.
#[derive(Debug)]
pub(crate) struct ProviderName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ProviderName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(problem::NOT_FOUND.problem()),
        }
    }
}

impl Arg for ProviderName {
    fn describe(doc: &mut OperationDoc) {
        doc.reads(
            ParameterBuilder::new()
                .name("provider")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some("Name of the provider, such as `google`."))
                .example(Some("google".into()))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
                .build(),
        );
        doc.refuses(&problem::NOT_FOUND);
    }
}
