//! HTTP/1.1 server with header and write timeouts, connection limits and graceful shutdown.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
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
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

use crate::{edge::Peer, request::network};

/// Time limit for receiving the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a client that accepts no byte of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections of a process; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// Connections of one client network; more are closed. Does not apply to private addresses: a proxy in front has one, which all
/// clients share.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 256;
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
        free: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        by_address: ByAddress::default(),
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
    free: Arc<Semaphore>,
    by_address: ByAddress,
}

/// Open connections of each public client network.
#[derive(Clone, Debug, Default)]
struct ByAddress(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of the connections of a network; released when dropped.
#[derive(Debug)]
struct AddressPermit(ByAddress, IpAddr);

impl ByAddress {
    /// `None` if the network has too many connections already.
    fn acquire(&self, peer: IpAddr) -> Option<AddressPermit> {
        let address = network(peer);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if !is_private(address) && *count >= MAX_CONNECTIONS_PER_ADDRESS {
            return None;
        }
        *count += 1;
        drop(open);
        Some(AddressPermit(self.clone(), address))
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.1) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.1)),
        }
    }
}

/// Loopback, link-local and private addresses (RFC 1918, RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl Connections {
    /// Accepts connections for as long as it is polled.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            // Closed never, so this cannot fail.
            let Ok(permit) = self.free.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(of_address) = self.by_address.acquire(peer.ip()) {
                        self.answer(stream, peer, (permit, of_address));
                    } else {
                        metrics::counter!("http_connections_refused_total").increment(1);
                        tracing::debug!("too many connections from one address");
                    }
                }
                Err(error) => {
                    // Out of file descriptors, or a client that disconnected: neither stops the server.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn answer(&self, stream: TcpStream, peer: SocketAddr, permits: impl Send + 'static) {
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
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let stream = Box::pin(stream);
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
            drop(permits);
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
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/large", get(|| async { "x".repeat(64 * 1024 * 1024) }));
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

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_disconnected() {
        let server = server(Duration::ZERO).await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream
            .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(WRITE_TIMEOUT * 2).await;
        let mut read = Vec::new();
        // Cut off: an error, or an end before the whole body.
        let outcome = stream.read_to_end(&mut read).await;
        assert!(outcome.is_err() || read.len() < 64 * 1024 * 1024);
    }

    #[test]
    fn a_public_network_gets_a_share_of_the_connections_and_a_proxy_all() {
        let by_address = ByAddress::default();
        let (flood, other): (IpAddr, IpAddr) = (
            "2001:db8::1".parse().unwrap(),
            "2001:db8:1::1".parse().unwrap(),
        );
        let mut open: Vec<_> = (0..MAX_CONNECTIONS_PER_ADDRESS)
            .map_while(|_| by_address.acquire(flood))
            .collect();
        assert_eq!(open.len(), MAX_CONNECTIONS_PER_ADDRESS);
        assert!(by_address.acquire("2001:db8::2".parse().unwrap()).is_none());
        assert!(by_address.acquire(other).is_some());
        open.pop();
        assert!(by_address.acquire(flood).is_some());
        let proxy: IpAddr = "10.0.0.2".parse().unwrap();
        let proxied: Vec<_> = (0..2 * MAX_CONNECTIONS_PER_ADDRESS)
            .map_while(|_| by_address.acquire(proxy))
            .collect();
        assert_eq!(proxied.len(), 2 * MAX_CONNECTIONS_PER_ADDRESS);
        drop((open, proxied));
        assert!(by_address.0.lock().unwrap().is_empty());
    }
}
