//! The outermost layer of every process: request id, time and size limits, problem documents, security headers, and one log
//! line and one measurement per request.

mod drain_body;
mod finish;
mod held_body;

use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use ids::EventId;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, Predicate},
    },
    decompression::RequestDecompressionLayer,
};
use tracing::Instrument;

use drain_body::UnreadBody;

use crate::{
    Clock, Problem, RequestInfo, problem,
    request::{PermitGuard, client_address, valid_request_id},
    telemetry::trace::{self, Trace},
};

/// Time limit for the response head; the body may stream for longer.
pub const RESPONSE_HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Maximum length of path and query in bytes.
const MAX_URI_BYTES: usize = 8 * 1024;

/// The peer's address, put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Settings of the outermost layer.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The clock, for request ids.
    pub clock: Clock,
    /// Number of trusted proxies in front that write `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

/// Wraps a complete router in the layers.
pub fn wrap(router: Router, edge: Edge) -> Router {
    router
        .layer(RequestDecompressionLayer::new())
        .layer(from_fn_with_state(Arc::new(edge), around))
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
}

/// Responses that support range requests are not compressed: ranges refer to the stored bytes.
fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(
        |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
            !headers.contains_key(header::ACCEPT_RANGES)
        },
    )
}

async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let trace = Trace::from_headers(request.headers());
    trace::within(trace, answer(&edge, request, next)).await
}

async fn answer(edge: &Edge, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let (mut parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let address = client_address(&parts.headers, peer, edge.trusted_proxies);
    let id = valid_request_id(&parts.headers)
        .unwrap_or_else(|| EventId::at(edge.clock.now()).to_string());
    let info = RequestInfo::new(&parts, id, address);
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    let conditions = parts.headers.clone();
    parts.extensions.insert(info.clone());

    let permits = PermitGuard(info.clone());
    let answer = if parts
        .uri
        .path_and_query()
        .is_some_and(|uri| uri.as_str().len() > MAX_URI_BYTES)
    {
        problem::URI_TOO_LONG.problem().into_response()
    } else if peer.is_some() && !has_one_host(&parts) {
        problem::BAD_REQUEST.problem().into_response()
    } else {
        let span = tracing::info_span!("request", request_id = info.id());
        let unread = UnreadBody::default();
        let body = unread.watch(&parts.headers, body);
        let run = next.run(Request::from_parts(parts, body)).instrument(span);
        let answer = answer_in_time(&info, run).await;
        unread.drain().await;
        answer
    };
    let response = finish::finish(answer, &info, &conditions);
    finish::record(&info, &route, &response, started.elapsed());
    response.map(|body| held_body::hold(body, permits))
}

/// RFC 9112, 3.2: a request of HTTP/1.1 without a Host, or with several, is refused. Requests inside of the process have none.
fn has_one_host(parts: &http::request::Parts) -> bool {
    parts.version != Version::HTTP_11 || parts.headers.get_all(header::HOST).iter().count() == 1
}

/// A panic fails only its own request; a handler that hangs is timed out.
///
/// While a handler reads a streaming body, the limit is an idle timeout: it restarts with each chunk.
async fn answer_in_time(info: &RequestInfo, run: impl Future<Output = Response>) -> Response {
    let run = AssertUnwindSafe(run).catch_unwind();
    tokio::pin!(run);
    let answered = loop {
        let deadline = info.deadline(RESPONSE_HEAD_LIMIT);
        match tokio::time::timeout_at(deadline, &mut run).await {
            Err(_) if info.deadline(RESPONSE_HEAD_LIMIT) > deadline => {}
            outcome => break outcome,
        }
    };
    match answered {
        Ok(Ok(response)) if response.status().is_success() && info.is_write_lost() => {
            Problem::internal("the handler answered with success without a commit").into_response()
        }
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Problem::internal(format!("panic: {text}")).into_response()
        }
        Err(_) => problem::TIMED_OUT
            .problem()
            .header(header::RETRY_AFTER, "1")
            .into_response(),
    }
}
