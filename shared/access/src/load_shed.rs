//! What stands before all routes that callers reach: the bound on requests under way, the rate limit of strangers, and the
//! protocol for browsers of other origins. Routes of health are merged beside it.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use web::RequestInfo;

use crate::{AppState, cors};

/// Puts it before a router.
pub fn layer(router: Router, app: AppState) -> Router {
    cors::layer(router, app.clone()).layer(from_fn_with_state(app, shed))
}

async fn shed(
    State(app): State<AppState>,
    info: RequestInfo,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(http::header::ORIGIN).cloned();
    match app
        .authenticator()
        .admit_unauthenticated(request.headers(), &info)
    {
        Ok(permits) => {
            let answer = next.run(request).await;
            drop(permits);
            answer
        }
        Err(refusal) => cors::readable(&app, origin, refusal.into_response()).await,
    }
}
