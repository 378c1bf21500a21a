//! Serving HTTP/1.1: header time-out, connection limits, an orderly end.

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

/// How long a client may take to send the head of a request.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long open requests may take after the signal to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// Serves until `stop` resolves, then accepts nothing new and lets open requests finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_lingering(listener, router, stop, Duration::ZERO).await
}

/// The same, but goes on answering for `linger` after `stop`, each answer the last one of its connection (RFC 9112, section
/// 9.6). A proxy in front leaves an instance so without meeting a refused or a broken connection, which it could not tell
/// from a request half done. Connections that it keeps idle have to end before `linger` does.
pub async fn serve_lingering(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    linger: Duration,
) -> io::Result<()> {
    let connections = Connections {
        router,
        leaving: Arc::default(),
        graceful: GracefulShutdown::new(),
    };
    tokio::select! {
        () = stop => {}
        () = connections.accept(&listener) => {}
    }
    connections.leaving.store(true, Ordering::Relaxed);
    // Once more at the least: who has connected by now shall not find the door shut behind it.
    _ = tokio::time::timeout(linger, connections.accept(&listener)).await;
    drop(listener);
    if tokio::time::timeout(DRAIN_LIMIT, connections.graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still open after {DRAIN_LIMIT:?}");
    }
    Ok(())
}

struct Connections {
    router: Router,
    /// Whether each answer says that its connection ends.
    leaving: Arc<AtomicBool>,
    graceful: GracefulShutdown,
}

impl Connections {
    /// Takes connections for as long as it is polled.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.answer(stream, peer),
                Err(error) => {
                    // Out of file descriptors, or a client that hung up: neither ends the server.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn answer(&self, stream: TcpStream, peer: SocketAddr) {
        _ = stream.set_nodelay(true);
        let (router, leaving) = (self.router.clone(), self.leaving.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            let answer = router.clone().call(request);
            let leaving = leaving.clone();
            async move {
                let mut answer = answer.await?;
                if leaving.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_LIMIT)
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
            tracing::error!(%error, "can't listen for SIGTERM");
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

    /// One request; what came back, in small letters, and whether the connection ended with it.
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
    async fn who_lingers_answers_old_and_new_connections_once_more_and_ends_them() {
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
    async fn who_does_not_linger_still_answers_whoever_had_connected() {
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
