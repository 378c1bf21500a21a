//! Drains the unread rest of a request body before the response is sent.
//!
//! An error response (too large, not authenticated) is often ready before the body has arrived. Closing the connection then
//! resets it while the client is still sending, and most clients never read the response. So a bounded rest is read and
//! discarded first.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// Maximum number of bytes to discard: the request limit of Cloud Run.
const MAX_DRAIN_BYTES: u64 = 32 << 20;
/// Time limit for draining.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Receives a body that was dropped before its end.
#[derive(Clone, Default)]
pub(super) struct UnreadBody(Arc<Mutex<Option<Body>>>);

impl UnreadBody {
    /// Wraps a body so that it is kept when dropped before its end.
    pub(super) fn watch(&self, headers: &HeaderMap, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Watched {
            body,
            requested: !headers.contains_key(header::EXPECT),
            unread: self.clone(),
        })
    }

    /// Reads and discards the rest, within limits.
    pub(super) async fn drain(self) {
        let unread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = unread.filter(|body| body.size_hint().lower() <= MAX_DRAIN_BYTES)
        else {
            return;
        };
        let reading = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, |data| data.len() as u64);
                if read > MAX_DRAIN_BYTES {
                    break;
                }
            }
        };
        // A slower client finds the connection closed.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, reading).await;
    }
}

struct Watched {
    body: Body,
    /// A client that sent `Expect: 100-continue` sends nothing until the body is read.
    requested: bool,
    unread: UnreadBody,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.requested = true;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.requested && !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::post};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use crate::{
        Clock,
        edge::{Edge, wrap},
        problem,
    };

    /// The response as read by a client that sends its whole request first.
    async fn answer(head: &str, body: &[u8]) -> String {
        let router = Router::new()
            .route("/early", post(|| async { problem::FORBIDDEN.problem() }))
            .route(
                "/late",
                post(|request| async { crate::json::collect(request, 1000).await.map(|_| ()) }),
            );
        let edge = Edge {
            clock: Clock::system(),
            trusted_proxies: 0,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        tokio::spawn(crate::server::serve(
            listener,
            wrap(router, edge),
            std::future::pending(),
        ));
        let head = format!("POST {head}\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_client_that_is_still_sending_can_read_the_error_response() {
        let body = vec![b'a'; 10_000_000];
        for (path, status) in [("/early", "403"), ("/late", "413")] {
            let head = format!("{path} HTTP/1.1\r\nContent-Length: {}", body.len());
            let answer = answer(&head, &body).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn a_client_that_expects_100_continue_is_not_asked_for_an_unneeded_body() {
        let head = "/early HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue";
        assert!(answer(head, b"").await.starts_with("HTTP/1.1 403"));
    }
}
