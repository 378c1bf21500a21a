//! HTTP/1.1 server with header timeout, connection limits and graceful shutdown.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use http::{HeaderValue, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

use crate::edge::Peer;

/// Time limit for receiving the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for open requests after the stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// Serves until `stop` resolves, then stops accepting connections and lets open requests finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_lingering(listener, router, stop, Duration::ZERO).await
}

/// Like [`serve`], but keeps answering for `linger` after `stop`, closing each connection after its response (RFC 9112,
/// section 9.6). A proxy in front can then drain the instance without a refused or broken connection, which it could not
/// distinguish from a request in progress. The proxy's idle timeout must be shorter than `linger`.
pub async fn serve_lingering(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    linger: Duration,
) -> io::Result<()> {
    let connections = Connections {
        router,
        closing: Arc::default(),
        graceful: GracefulShutdown::new(),
    };
    tokio::select! {
        () = stop => {}
        () = connections.accept(&listener) => {}
    }
    connections.closing.store(true, Ordering::Relaxed);
    // At least one more iteration, for clients that have already connected.
    _ = tokio::time::timeout(linger, connections.accept(&listener)).await;
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still open after {DRAIN_TIMEOUT:?}");
    }
    Ok(())
}

struct Connections {
    router: Router,
    /// Whether responses carry `Connection: close`.
    closing: Arc<AtomicBool>,
    graceful: GracefulShutdown,
}

impl Connections {
    /// Accepts connections for as long as it is polled.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.answer(stream, peer),
                Err(error) => {
                    // Out of file descriptors, or a client that disconnected: neither stops the server.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn answer(&self, stream: TcpStream, peer: SocketAddr) {
        _ = stream.set_nodelay(true);
        let (router, closing) = (self.router.clone(), self.closing.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            let response = router.clone().call(request);
            let closing = closing.clone();
            async move {
                let mut response = response.await?;
                if closing.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_headers(100)
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// Resolves on `SIGTERM` or Ctrl-C.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "cannot listen for SIGTERM");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
    };

    use super::*;

    struct Server {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        ended: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn server(linger: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(|| async { "here" }));
        let ended = tokio::spawn(serve_lingering(
            listener,
            router,
            async { drop(stopped.await) },
            linger,
        ));
        Server {
            address,
            stop,
            ended,
        }
    }

    /// Sends one request; returns the response in lower case, and whether the connection was closed.
    async fn ask(stream: &mut TcpStream) -> (String, bool) {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut text = Vec::new();
        loop {
            let mut piece = [0; 1024];
            match stream.read(&mut piece).await.unwrap() {
                0 => return (String::from_utf8(text).unwrap().to_lowercase(), true),
                read => text.extend_from_slice(&piece[..read]),
            }
            if text.ends_with(b"here") && !text.windows(17).any(|part| part == b"connection: close")
            {
                return (String::from_utf8(text).unwrap().to_lowercase(), false);
            }
        }
    }

    #[tokio::test]
    async fn a_lingering_server_answers_open_and_new_connections_and_closes_them() {
        let server = server(Duration::from_mins(1)).await;
        let mut old = TcpStream::connect(server.address).await.unwrap();
        let (_, ended) = ask(&mut old).await;
        assert!(!ended);
        server.stop.send(()).unwrap();
        tokio::task::yield_now().await;
        for mut stream in [old, TcpStream::connect(server.address).await.unwrap()] {
            let (answer, ended) = ask(&mut stream).await;
            assert!(answer.starts_with("http/1.1 200") && ended, "{answer}");
        }
        assert!(!server.ended.is_finished());
    }

    #[tokio::test]
    async fn a_server_without_linger_still_answers_established_connections() {
        let server = server(Duration::ZERO).await;
        // The handshake is the kernel's: the server has not run since.
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        server.stop.send(()).unwrap();
        let (answer, _) = ask(&mut stream).await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        drop(stream);
        server.ended.await.unwrap().unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }
}
