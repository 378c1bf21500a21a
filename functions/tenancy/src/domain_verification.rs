//! Domain verification: looks for the proof that a host belongs to a tenant, in a DNS record and in a file on the host's own
//! server.
//!
//! The host is chosen by a tenant, so only public addresses are contacted ([`public_address`]), redirects are not followed,
//! and sizes and times are limited.

mod dns;
mod file;
mod public_address;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::future;

pub(crate) use self::{dns::DNS_LABEL, file::FILE_PATH};
use self::{dns::DnsProofs, file::FileProofs};
use crate::domain::domain_proof::{ProofCheck, ProofStatus};

/// How long each of the two lookups may take. They run at the same time.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks for proofs.
#[derive(Clone, Debug)]
pub struct DomainVerifier(Arc<(DnsProofs, FileProofs)>);

impl DomainVerifier {
    /// Uses this DNS server, or the system's.
    pub fn new(server: Option<SocketAddr>) -> Self {
        let dns = DnsProofs::new(server);
        let files = FileProofs::new(dns.clone());
        Self(Arc::new((dns, files)))
    }

    /// Looks for the proof in both places at the same time.
    pub(crate) async fn check(&self, host: &str, proof: &str) -> ProofCheck {
        let (dns, files) = &*self.0;
        let (dns, file) = future::join(
            with_timeout(dns.check(host, proof)),
            with_timeout(files.check(host, proof)),
        )
        .await;
        ProofCheck { dns, file }
    }
}

async fn with_timeout(check: impl Future<Output = ProofStatus>) -> ProofStatus {
    tokio::time::timeout(CHECK_TIMEOUT, check)
        .await
        .unwrap_or(ProofStatus::Unreachable)
}
