//! What stands before all routes that callers reach: the bound on requests under way, the rate limit of strangers, and the
//! protocol for browsers of other origins. Routes of health are merged beside it.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use web::RequestInfo;

use crate::{Gate, cors};

/// Puts it before a router.
pub fn layer(router: Router, gate: Gate) -> Router {
    cors::layer(router, gate.clone()).layer(from_fn_with_state(gate, enter))
}

async fn enter(
    State(gate): State<Gate>,
    info: RequestInfo,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(http::header::ORIGIN).cloned();
    match gate.let_in(request.headers(), &info) {
        Ok(places) => {
            let answer = next.run(request).await;
            drop(places);
            answer
        }
        Err(refusal) => cors::readable(&gate, origin, refusal.into_response()).await,
    }
}
