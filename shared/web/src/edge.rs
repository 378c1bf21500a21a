//! The outermost layer of every process: request id, limits of time and size, refusals as documents,
//! security headers, one log line and one measurement a request.

mod drain_body;
mod finish;

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

use drain_body::Rest;

use crate::{
    Clock, Problem, RequestInfo, problem,
    request::{Held, client_address, sane_id},
    telemetry::trace::{self, Trace},
};

/// The budget to the response head; a stream may take longer behind it.
pub const RESPONSE_HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Longest address, path and query together.
const URI_LIMIT: usize = 8 * 1024;

/// The peer's address, put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// What the outermost layer needs to know.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Tells the time of request ids.
    pub clock: Clock,
    /// How many proxies in front of us write `X-Forwarded-For`.
    pub trusted_proxies: usize,
}

/// Puts the layers around a complete router.
pub fn wrap(router: Router, edge: Edge) -> Router {
    router
        .layer(RequestDecompressionLayer::new())
        .layer(from_fn_with_state(Arc::new(edge), around))
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
}

/// Not what can be asked for in ranges: those are ranges of the bytes as they are stored.
fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(
        |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
            !headers.contains_key(header::ACCEPT_RANGES)
        },
    )
}

async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let trace = Trace::of(request.headers());
    trace::within(trace, answer(&edge, request, next)).await
}

async fn answer(edge: &Edge, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let (mut parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let address = client_address(&parts.headers, peer, edge.trusted_proxies);
    let id = sane_id(&parts.headers).unwrap_or_else(|| EventId::at(edge.clock.now()).to_string());
    let info = RequestInfo::new(&parts, id, address);
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    let conditions = parts.headers.clone();
    parts.extensions.insert(info.clone());

    let answer = if parts
        .uri
        .path_and_query()
        .is_some_and(|uri| uri.as_str().len() > URI_LIMIT)
    {
        problem::URI_TOO_LONG.problem().into_response()
    } else {
        let span = tracing::info_span!("request", request_id = info.id());
        let rest = Rest::default();
        let body = rest.watch(&parts.headers, body);
        let held = Held(info.clone());
        let run = next.run(Request::from_parts(parts, body)).instrument(span);
        let answer = answer_in_time(&info, run).await;
        drop(held);
        rest.discard().await;
        answer
    };
    let response = finish::finish(answer, &info, &conditions);
    finish::record(&info, &route, &response, started.elapsed());
    response
}

/// A panic costs one request, never the process; a handler that hangs is cut off.
///
/// Where a handler reads the body as it streams, the limit is one of silence: it begins again with each piece that comes.
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
