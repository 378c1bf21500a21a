//! A context ready to be served: its routes with their state, and its OpenAPI document.

use axum::{Router, routing::get};
use utoipa::openapi::OpenApi;

use crate::{
    openapi::{BASE, Routes, document, to_pretty_json},
    reply::StaticFile,
};

/// The version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A context as served by a process, alone or together with others.
#[derive(Clone)]
pub struct Service {
    /// The context's name, also of its database schema, feature flag and folder.
    pub name: &'static str,
    /// One sentence on what it owns.
    pub about: &'static str,
    /// Routes below `/api/v1` and `/api`.
    pub api: Router,
    /// Routes at the root: `/.well-known/...` and `/internal/...`.
    pub root: Router,
    /// Routes that only the platform itself calls, with the same paths in many functions (`POST /internal/events`). Served by
    /// a process with a single function, called in process where several share one.
    pub internal: Router,
    /// Its OpenAPI document.
    pub document: OpenApi,
}

impl Service {
    /// Builds the service from routes and state.
    pub fn new<S: Clone + Send + Sync + 'static>(
        name: &'static str,
        about: &'static str,
        routes: Routes<S>,
        state: S,
    ) -> Self {
        let (api, root, operations) = routes.split(state);
        let document = document(name, about, VERSION, operations);
        let file = StaticFile::new("application/json", to_pretty_json(&document));
        let api = api.route(
            &format!("/{name}/openapi.json"),
            get(async move || file.clone()),
        );
        Self {
            name,
            about,
            api,
            root,
            internal: Router::new(),
            document,
        }
    }

    /// Adds routes that only the platform itself calls.
    pub fn with_internal(mut self, internal: Router) -> Self {
        self.internal = self.internal.merge(internal);
        self
    }
}

/// One router for several services. The current version is also served without its number. Internal routes are left out,
/// because every function has them under the same path.
pub fn compose<'a>(services: impl IntoIterator<Item = &'a Service>) -> Router {
    let mut api = Router::new();
    let mut root = Router::new();
    for service in services {
        api = api.merge(service.api.clone());
        root = root.merge(service.root.clone());
    }
    root.nest(BASE, api.clone()).nest("/api", api)
}
