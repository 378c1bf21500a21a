//! What is left of a request's body when its answer is ready.
//!
//! A refusal (too large, not signed in) is often ready before the body has arrived. To close then resets the connection under
//! a client that still sends, and most never get to read why. So a bounded rest is read and thrown away before the answer.

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

/// Bytes that are thrown away at most: what Cloud Run lets a request have.
const MOST: u64 = 32 << 20;
/// How long that may take.
const LONGEST: Duration = Duration::from_secs(2);

/// Where a body goes that nobody read to its end.
#[derive(Clone, Default)]
pub(super) struct Rest(Arc<Mutex<Option<Body>>>);

impl Rest {
    /// The same body, which comes here when it is dropped early.
    pub(super) fn watch(&self, headers: &HeaderMap, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Watched {
            body,
            wanted: !headers.contains_key(header::EXPECT),
            rest: self.clone(),
        })
    }

    /// Reads what is left, within bounds.
    pub(super) async fn discard(self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left.filter(|body| body.size_hint().lower() <= MOST) else {
            return;
        };
        let reading = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, |data| data.len() as u64);
                if read > MOST {
                    break;
                }
            }
        };
        // Whoever is slower than that finds the connection closed.
        let _ = tokio::time::timeout(LONGEST, reading).await;
    }
}

struct Watched {
    body: Body,
    /// A client that expects to be asked has sent nothing yet, as long as nobody reads.
    wanted: bool,
    rest: Rest,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.wanted = true;
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
        if self.wanted && !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
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

    /// What a client reads that sends everything before it reads anything.
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
    async fn a_client_that_still_sends_gets_to_read_why_it_was_refused() {
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
    async fn nobody_is_asked_to_send_what_is_thrown_away() {
        let head = "/early HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue";
        assert!(answer(head, b"").await.starts_with("HTTP/1.1 403"));
    }
}
