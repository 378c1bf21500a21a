//! `/healthz` and `/livez` (liveness), `/readyz` (readiness), `/metrics` (Prometheus).

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use futures::future::BoxFuture;
use serde_json::json;

use crate::{
    problem::{self, Problem},
    telemetry::Metrics,
};

/// Checks whether all dependencies are available; the error says which one is not.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The four routes. The liveness check does not use the database.
pub fn routes(readiness: Readiness, metrics: Metrics) -> Router {
    let alive = || async { Json(json!({"status": "ok"})) };
    Router::new()
        .route("/healthz", get(alive))
        .route("/livez", get(alive))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(move || async move { metrics.render() }))
}

async fn ready(State(readiness): State<Readiness>) -> Result<impl IntoResponse, Problem> {
    match readiness().await {
        Ok(()) => Ok(Json(json!({"status": "ready"}))),
        Err(missing) => {
            tracing::warn!(missing, "not ready");
            Err(problem::UNAVAILABLE
                .problem()
                .header(http::header::RETRY_AFTER, "1"))
        }
    }
}
