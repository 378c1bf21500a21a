//! Self-describing routes: a handler's signature says what it reads, who may call it, and which errors it returns.
//!
//! Each argument type implements [`Arg`]; [`Routes::handle`] visits the handler's arguments and completes the operation, so
//! that no status, parameter or permission is missing from the document.

mod args;
pub mod bulk;
mod document;
mod published;
mod versions;

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, MethodRouter},
};
use utoipa::{
    __dev::SchemaReferences,
    openapi::{
        ContentBuilder, HttpMethod, ObjectBuilder, RefOr, Schema,
        extensions::Extensions,
        path::{Operation, Parameter},
        schema::Type,
    },
};

pub use args::{Arg, Signature, header, json_body};
pub use document::{FieldProblem, ProblemDocument, document, merge, to_pretty_json};

use crate::problem::{self, ProblemKind};

/// Base path of the current version.
pub const BASE: &str = "/api/v1";

/// An operation under construction.
pub struct OperationDoc {
    /// The path template, such as `/tickets/{id}`.
    pub path: String,
    /// The operation so far.
    pub operation: Operation,
    /// Referenced schemas.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// The problem kinds that it may return.
    refusals: Vec<&'static ProblemKind>,
    /// Those among them that its context declares.
    own_refusals: Vec<&'static ProblemKind>,
}

impl OperationDoc {
    /// An operation with nothing but its own description.
    pub(crate) fn new(path: String, operation: Operation) -> Self {
        Self {
            path,
            operation,
            schemas: Vec::new(),
            refusals: Vec::new(),
            own_refusals: Vec::new(),
        }
    }

    /// Adds a problem kind that the operation may return.
    pub fn refuses(&mut self, kind: &'static ProblemKind) {
        if !self.refusals.contains(&kind) {
            self.refusals.push(kind);
        }
        document::add_refusal(&mut self.operation, kind);
    }

    /// Adds CSV to what the operation returns.
    pub fn also_returns_csv(&mut self) {
        let responses = &mut self.operation.responses.responses;
        if let Some(RefOr::T(response)) = responses.get_mut("200") {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let table = ContentBuilder::new().schema(Some(text)).build();
            response
                .content
                .insert("text/csv".to_owned(), RefOr::T(table));
        }
    }

    /// Writes down the codes: all of them for programs, and those of the context with the permission for readers.
    fn describe_refusals(&mut self) {
        let mut codes: Vec<&str> = self.refusals.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        self.extend("x-problems", codes);
        let permission = self.operation.extensions.as_ref().and_then(|all| {
            let permission = all.get("x-permission")?.as_str()?;
            permission
                .contains('.')
                .then(|| format!("Requires the permission `{permission}`."))
        });
        let named = |kind: &&ProblemKind| format!("`{}` ({})", kind.code, kind.status.as_u16());
        let own: Vec<String> = self.own_refusals.iter().map(named).collect();
        let refusals = (!own.is_empty()).then(|| format!("Refuses with {}.", own.join(", ")));
        let parts = [self.operation.description.take(), permission, refusals];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let description = if parts.is_empty() {
            self.operation
                .summary
                .clone()
                .map(|summary| format!("{summary}."))
        } else {
            Some(parts.join("\n\n"))
        };
        self.operation.description = description;
    }

    /// Adds a parameter.
    pub fn reads(&mut self, parameter: Parameter) {
        self.operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(parameter));
    }

    /// Sets an extension; the name starts with `x-`.
    pub fn extend(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        let extension = Extensions::builder().add(name, value.into()).build();
        match &mut self.operation.extensions {
            Some(extensions) => extensions.merge(extension),
            none => *none = Some(extension),
        }
    }
}

/// Handlers with their documentation.
pub struct Routes<S> {
    api: Router<S>,
    root: Router<S>,
    operations: Vec<(HttpMethod, OperationDoc)>,
    /// The collections with a bulk write.
    bulk: Vec<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self {
            api: Router::new(),
            root: Router::new(),
            operations: Vec::new(),
            bulk: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Adds the handler that `P`, made by `#[utoipa::path]`, describes.
    pub fn handle<P, H, T>(mut self, handler: H) -> Self
    where
        P: utoipa::Path + SchemaReferences,
        H: Handler<T, S>,
        T: Signature + 'static,
    {
        let path = P::path();
        let mut methods = MethodRouter::new();
        for (index, method) in P::methods().into_iter().enumerate() {
            methods = methods.on(filter(&method), handler.clone());
            let mut doc = OperationDoc::new(path.clone(), P::operation());
            P::schemas(&mut doc.schemas);
            if index > 0 {
                // One handler, several methods: operation ids must be unique.
                let name = doc.operation.operation_id.take().unwrap_or_default();
                doc.operation.operation_id = Some(format!("{name}_by_{}", method_name(&method)));
            }
            T::describe(&mut doc);
            versions::describe(&mut doc, &method);
            doc.refuses(&problem::UNAVAILABLE);
            doc.refuses(&problem::OVERLOADED);
            if !path.starts_with("/internal/") {
                doc.refuses(&problem::RATE_LIMITED);
            }
            self.operations.push((method, doc));
        }
        if is_root(&path) {
            self.root = self.root.route(&path, methods);
        } else {
            self.api = self.api.route(&path, methods);
        }
        self
    }

    /// Adds problem kinds of the context that the operation may return.
    pub fn refuses(mut self, operation_id: &str, kinds: &[&'static ProblemKind]) -> Self {
        let mut is_known = false;
        for (_, doc) in &mut self.operations {
            let id = doc.operation.operation_id.as_deref().unwrap_or_default();
            // A handler of several methods has one operation per method, named `<name>_by_<method>`.
            if id == operation_id
                || id
                    .strip_prefix(operation_id)
                    .is_some_and(|rest| rest.starts_with("_by_"))
            {
                is_known = true;
                for kind in kinds {
                    doc.refuses(kind);
                    doc.own_refusals.push(kind);
                }
            }
        }
        debug_assert!(is_known, "there is no operation {operation_id}");
        self
    }

    /// Adds `POST {collection}/bulk`, which does many creations, changes and deletions of the collection with its single operations.
    pub fn bulk(mut self, collection: &'static str) -> Self {
        self.bulk.push(collection);
        self.operations.push(bulk::describe(collection));
        self
    }

    /// The routes below the base path, those at the root, and the operations.
    pub fn split(self, state: S) -> (Router, Router, Vec<(HttpMethod, OperationDoc)>) {
        let mut api = self.api.with_state(state.clone());
        let single = api.clone();
        for collection in self.bulk {
            api = api.merge(bulk::route(collection, single.clone()));
        }
        (api, self.root.with_state(state), self.operations)
    }
}

/// Whether the path is outside the versioned API.
pub(crate) fn is_root(path: &str) -> bool {
    path.starts_with("/.well-known/") || path.starts_with("/internal/")
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
    }
}

/// The method's name in lower case.
pub fn method_name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "get",
        HttpMethod::Put => "put",
        HttpMethod::Post => "post",
        HttpMethod::Head => "head",
        HttpMethod::Patch => "patch",
        HttpMethod::Trace => "trace",
        HttpMethod::Delete => "delete",
        HttpMethod::Options => "options",
    }
}

/// Lists the routes of a context, one line per module: `web::routes! { tickets: list_tickets, get_ticket; }`.
#[macro_export]
macro_rules! routes {
    ($($module:ident : $($handler:ident),+ ;)*) => {
        $crate::__private::paste! {
            $crate::openapi::Routes::default()
                $($(.handle::<$module::[<__path_ $handler>], _, _>($module::$handler))+)*
        }
    };
}
