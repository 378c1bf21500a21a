//! The proof in a file on the host's own server.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::StatusCode;

use super::{dns::DnsProofs, public_address::is_public};
use crate::domain::domain_proof::ProofStatus;

/// The path of the file.
pub(crate) const FILE_PATH: &str = "/.well-known/revalenz-domain-verification.txt";
/// The largest file that is read.
const MAX_FILE_BYTES: usize = 4 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How many addresses of a host are tried.
const MAX_ADDRESSES: usize = 4;

/// Fetches files. Tests replace scheme, port and the check of addresses, to use a local server without TLS.
#[derive(Clone, Debug)]
pub(super) struct FileProofs {
    dns: DnsProofs,
    scheme: &'static str,
    port: u16,
    is_allowed: fn(IpAddr) -> bool,
}

impl FileProofs {
    pub(super) fn new(dns: DnsProofs) -> Self {
        Self {
            dns,
            scheme: "https",
            port: 443,
            is_allowed: is_public,
        }
    }

    /// Whether the file contains the proof and nothing else.
    pub(super) async fn check(&self, host: &str, proof: &str) -> ProofStatus {
        // A private address among public ones is a sign of an attack, so none of them is contacted.
        let addresses = self.dns.addresses(host).await;
        if addresses.is_empty() || !addresses.iter().all(|address| (self.is_allowed)(*address)) {
            return ProofStatus::Unreachable;
        }
        match self.fetch(host, &addresses).await {
            Ok(Some(text)) if text.trim() == proof => ProofStatus::Proved,
            Ok(_) => ProofStatus::Missing,
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "cannot fetch the file");
                ProofStatus::Unreachable
            }
        }
    }

    /// Fetches the file from exactly these addresses. Resolving the name a second time could return others (DNS rebinding).
    async fn fetch(
        &self,
        host: &str,
        addresses: &[IpAddr],
    ) -> Result<Option<String>, reqwest::Error> {
        let addresses: Vec<SocketAddr> = addresses
            .iter()
            .take(MAX_ADDRESSES)
            .map(|address| SocketAddr::new(*address, self.port))
            .collect();
        let client = reqwest::Client::builder()
            .user_agent("revalenz-tenancy")
            .https_only(self.scheme == "https")
            .resolve_to_addrs(host, &addresses)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let url = format!("{}://{host}:{}{FILE_PATH}", self.scheme, self.port);
        let mut response = client.get(url).send().await?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_FILE_BYTES {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8(body).ok())
    }
}

#[cfg(test)]
mod tests {
    use testkit::dns::DnsServer;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const HOST: &str = "app.demo.example";

    /// Starts a server that gives every client the same answer; returns its port and a request counter.
    async fn serve(answer: String) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, requests)
    }

    fn ok(body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    async fn check(answer: String, is_allowed: fn(IpAddr) -> bool) -> (ProofStatus, usize) {
        let server = DnsServer::start().await;
        server.set_address(HOST, "127.0.0.1");
        let (port, requests) = serve(answer).await;
        let files = FileProofs {
            scheme: "http",
            port,
            is_allowed,
            ..FileProofs::new(DnsProofs::new(Some(server.address())))
        };
        let status = files.check(HOST, "the proof").await;
        (status, requests.load(std::sync::atomic::Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_file_with_the_proof_and_nothing_else_proves() {
        let any = |_| true;
        assert_eq!(check(ok("the proof\n"), any).await.0, ProofStatus::Proved);
        assert_eq!(check(ok("another"), any).await.0, ProofStatus::Missing);
        assert_eq!(
            check(ok("the proof, and more"), any).await.0,
            ProofStatus::Missing
        );
        let long = format!("the proof{}", " ".repeat(MAX_FILE_BYTES));
        assert_eq!(check(ok(&long), any).await.0, ProofStatus::Missing);
        let not_found =
            "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\nconnection: close\r\n\r\nthe proof";
        assert_eq!(
            check(not_found.to_owned(), any).await.0,
            ProofStatus::Missing
        );
        assert_eq!(
            check("nonsense".to_owned(), any).await.0,
            ProofStatus::Unreachable
        );
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (other_port, requests) = serve(ok("the proof")).await;
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{other_port}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(check(redirect, |_| true).await, (ProofStatus::Missing, 1));
        assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn private_addresses_are_not_contacted() {
        let (status, requests) = check(ok("the proof"), is_public).await;
        assert_eq!((status, requests), (ProofStatus::Unreachable, 0));
    }
}
