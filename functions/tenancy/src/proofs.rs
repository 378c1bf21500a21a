//! Looking whether a host belongs to whoever says so: by a DNS record that only its owner can make, or by a file that only its
//! server can serve.
//!
//! What is asked is named by a tenant, so nothing is asked that is not out in the open ([`public_address`]), nothing is followed,
//! and nothing is read for long.

mod dns;
mod file;
mod public_address;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::future;
use serde::Serialize;
use utoipa::ToSchema;

use self::{dns::Dns, file::Files};
pub(crate) use self::{dns::LABEL, file::PATH};

web::text_enum! {
    /// How a host was proved.
    pub enum Method {
        /// By the DNS record.
        Dns = "dns",
        /// By the file.
        File = "file",
    }
}

/// What was found in one of the two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The proof.
    Proved,
    /// An answer without it.
    Missing,
    /// No answer, or none that could be used.
    Unreachable,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Findings {
    /// In the DNS.
    pub dns: Finding,
    /// On the host's own server.
    pub file: Finding,
}

impl Findings {
    /// How the host is proved, if it is.
    pub fn method(self) -> Option<Method> {
        match (self.dns, self.file) {
            (Finding::Proved, _) => Some(Method::Dns),
            (_, Finding::Proved) => Some(Method::File),
            _ => None,
        }
    }

    /// Whether the DNS said that the proof is not there. That it said nothing may be its own trouble, or ours.
    pub fn is_certain(self) -> bool {
        self.dns != Finding::Unreachable
    }
}

/// How long both places may take together.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks for proofs.
#[derive(Clone, Debug)]
pub struct Proofs(Arc<(Dns, Files)>);

impl Proofs {
    /// By this DNS server, or the system's.
    pub fn new(server: Option<SocketAddr>) -> Self {
        let dns = Dns::new(server);
        let files = Files::new(dns.clone());
        Self(Arc::new((dns, files)))
    }

    /// Looks in both places at once.
    pub async fn look(&self, host: &str, proof: &str) -> Findings {
        let (dns, files) = &*self.0;
        let (dns, file) = future::join(
            within(dns.look(host, proof)),
            within(files.look(host, proof)),
        )
        .await;
        Findings { dns, file }
    }
}

async fn within(looking: impl Future<Output = Finding>) -> Finding {
    tokio::time::timeout(LIMIT, looking)
        .await
        .unwrap_or(Finding::Unreachable)
}
