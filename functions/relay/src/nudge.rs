//! Waking the relay: a poll each second is enough, a nudge is faster.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tokio::sync::Notify;

/// Tells a relay in the same process that there may be something to do. Cheap: any number of nudges between two looks
/// are one, and the relay looks at most every 50 ms.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// There may be something to do.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn nudged(&self) {
        self.0.notified().await;
    }

    /// Nudges behind every answer to a request that may have written: by then its transaction is committed.
    pub fn after_writes(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), around))
    }
}

async fn around(State(nudge): State<Nudge>, request: Request, next: Next) -> Response {
    let reads = request.method().is_safe();
    let response = next.run(request).await;
    if !reads && response.status().is_success() {
        nudge.nudge();
    }
    response
}
