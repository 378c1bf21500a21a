//! Wakes the dispatcher after a write, before its next poll.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tokio::sync::Notify;

/// Tells a dispatcher in the same process that events may be due. Cheap: nudges between two polls count as one, and
/// the dispatcher polls at most every 50 ms.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Wakes the dispatcher.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn notified(&self) {
        self.0.notified().await;
    }

    /// Nudges after every successful request that may have written; its transaction is committed by then.
    pub fn after_writes(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), nudge_after_write))
    }
}

async fn nudge_after_write(State(nudge): State<Nudge>, request: Request, next: Next) -> Response {
    let is_read = request.method().is_safe();
    let response = next.run(request).await;
    if !is_read && response.status().is_success() {
        nudge.nudge();
    }
    response
}
