//! Asking the host's own server for the file.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::StatusCode;

use super::{Finding, dns::Dns, public_address::is_public};

/// Where the file is.
pub(crate) const PATH: &str = "/.well-known/revalenz-domain-verification.txt";
/// Bytes of it that are read.
const LONGEST: usize = 4 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Addresses of a host that are tried.
const ADDRESSES: usize = 4;

/// Fetches files. What tests bend is that they come without TLS, from this machine.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dns: Dns,
    scheme: &'static str,
    port: u16,
    may_ask: fn(IpAddr) -> bool,
}

impl Files {
    pub(super) fn new(dns: Dns) -> Self {
        Self {
            dns,
            scheme: "https",
            port: 443,
            may_ask: is_public,
        }
    }

    /// Whether the file says the proof.
    pub(super) async fn look(&self, host: &str, proof: &str) -> Finding {
        // One private address among public ones is a trap, not a mistake.
        let addresses = self.dns.addresses(host).await;
        if addresses.is_empty() || !addresses.iter().all(|address| (self.may_ask)(*address)) {
            return Finding::Unreachable;
        }
        match self.fetch(host, &addresses).await {
            Ok(Some(text)) if text.trim() == proof => Finding::Proved,
            Ok(_) => Finding::Missing,
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "no file");
                Finding::Unreachable
            }
        }
    }

    /// The file, from exactly these addresses: the name is not resolved a second time, when it might lead elsewhere.
    async fn fetch(
        &self,
        host: &str,
        addresses: &[IpAddr],
    ) -> Result<Option<String>, reqwest::Error> {
        let addresses: Vec<SocketAddr> = addresses
            .iter()
            .take(ADDRESSES)
            .map(|address| SocketAddr::new(*address, self.port))
            .collect();
        let client = reqwest::Client::builder()
            .user_agent("revalenz-tenancy")
            .https_only(self.scheme == "https")
            .resolve_to_addrs(host, &addresses)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let address = format!("{}://{host}:{}{PATH}", self.scheme, self.port);
        let mut response = client.get(address).send().await?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LONGEST {
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

    /// A server that gives every visitor the same answer, and says how many came.
    async fn serve(answer: String) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = visits.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, visits)
    }

    fn ok(body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    async fn look(answer: String, may_ask: fn(IpAddr) -> bool) -> (Finding, usize) {
        let server = DnsServer::start().await;
        server.address_of(HOST, "127.0.0.1");
        let (port, visits) = serve(answer).await;
        let files = Files {
            scheme: "http",
            port,
            may_ask,
            ..Files::new(Dns::new(Some(server.address())))
        };
        let finding = files.look(HOST, "the proof").await;
        (finding, visits.load(std::sync::atomic::Ordering::SeqCst))
    }

    #[tokio::test]
    async fn the_file_proves_only_when_it_says_the_proof_and_nothing_else() {
        let anybody = |_| true;
        assert_eq!(look(ok("the proof\n"), anybody).await.0, Finding::Proved);
        assert_eq!(look(ok("another"), anybody).await.0, Finding::Missing);
        assert_eq!(
            look(ok("the proof, and more"), anybody).await.0,
            Finding::Missing
        );
        let long = format!("the proof{}", " ".repeat(LONGEST));
        assert_eq!(look(ok(&long), anybody).await.0, Finding::Missing);
        let gone =
            "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\nconnection: close\r\n\r\nthe proof";
        assert_eq!(look(gone.to_owned(), anybody).await.0, Finding::Missing);
        assert_eq!(
            look("nonsense".to_owned(), anybody).await.0,
            Finding::Unreachable
        );
    }

    #[tokio::test]
    async fn nobody_is_followed_elsewhere() {
        let (elsewhere, visits) = serve(ok("the proof")).await;
        let moved = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(look(moved, |_| true).await, (Finding::Missing, 1));
        assert_eq!(visits.load(std::sync::atomic::Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn what_is_not_public_is_not_even_asked() {
        let (finding, visits) = look(ok("the proof"), is_public).await;
        assert_eq!((finding, visits), (Finding::Unreachable, 0));
    }
}
