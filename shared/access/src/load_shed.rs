//! Load shedding in front of all public routes: limits concurrent requests and the rate of anonymous ones, and adds the CORS
//! layer. Health routes are not behind it.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use web::RequestInfo;

use crate::{AppState, cors};

/// Wraps a router in load shedding and CORS. The response for an unknown path, too: a page could not read it otherwise.
pub fn layer(router: Router, app: AppState) -> Router {
    let router = router.fallback(|| async { StatusCode::NOT_FOUND });
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
        .admit_unverified(request.headers(), &info)
        .await
    {
        Ok(()) => {
            let response = next.run(request).await;
            app.authenticator().count_unverified(&info);
            response
        }
        Err(refusal) => cors::expose_to_known_origin(&app, origin, refusal.into_response()).await,
    }
}
