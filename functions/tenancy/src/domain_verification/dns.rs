//! The proof in the DNS.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, RecordType},
};

use crate::domain::domain_proof::ProofStatus;

/// How long to wait for an answer before the one retry.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);
/// The label of the TXT record, in front of the host.
pub(crate) const DNS_LABEL: &str = "_revalenz";

/// Looks up TXT records; the resolver is created on first use.
#[derive(Clone)]
pub(super) struct DnsProofs(Arc<Inner>);

struct Inner {
    server: Option<SocketAddr>,
    resolver: OnceLock<Option<TokioResolver>>,
}

impl std::fmt::Debug for DnsProofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DnsProofs({:?})", self.0.server)
    }
}

impl DnsProofs {
    /// Uses this server, or the system's.
    pub(super) fn new(server: Option<SocketAddr>) -> Self {
        Self(Arc::new(Inner {
            server,
            resolver: OnceLock::new(),
        }))
    }

    /// Whether the host's TXT record contains the proof.
    pub(super) async fn check(&self, host: &str, proof: &str) -> ProofStatus {
        let Some(resolver) = self.resolver() else {
            return ProofStatus::Unreachable;
        };
        // The trailing dot keeps the resolver from trying the system's search domains.
        match resolver
            .lookup(format!("{DNS_LABEL}.{host}."), RecordType::TXT)
            .await
        {
            Ok(lookup) => {
                let is_proved = lookup.answers().iter().any(|record| match &record.data {
                    RData::TXT(text) => text.txt_data.concat() == proof.as_bytes(),
                    _ => false,
                });
                if is_proved {
                    ProofStatus::Proved
                } else {
                    ProofStatus::Missing
                }
            }
            Err(error) if error.is_no_records_found() => ProofStatus::Missing,
            Err(error) => {
                tracing::debug!(%error, "DNS lookup failed");
                ProofStatus::Unreachable
            }
        }
    }

    /// The host's addresses; empty if it has none or the lookup fails.
    pub(super) async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let Some(resolver) = self.resolver() else {
            return Vec::new();
        };
        let lookup = resolver.lookup_ip(format!("{host}.")).await;
        lookup.map_or_else(|_| Vec::new(), |lookup| lookup.iter().collect())
    }

    fn resolver(&self) -> Option<&TokioResolver> {
        self.0
            .resolver
            .get_or_init(|| {
                resolver(self.0.server)
                    .inspect_err(|error| tracing::error!(%error, "cannot create the DNS resolver"))
                    .ok()
            })
            .as_ref()
    }
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()?,
        Some(address) => {
            let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            let server = NameServerConfig::new(address.ip(), true, connections.into());
            let config = ResolverConfig::from_name_servers(vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = QUERY_TIMEOUT;
    options.attempts = 1;
    // People retry right after creating the record, so a missing record must not be cached.
    options.cache_size = 0;
    // The hosts file of this machine must not influence the result.
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}
