//! Asking the DNS.

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

use super::Finding;

/// How long one question waits for its answer; it is put twice.
const PATIENCE: Duration = Duration::from_secs(2);
/// The label below which the record stands.
pub(crate) const LABEL: &str = "_revalenz";

/// A resolver that is made when it is first needed.
#[derive(Clone)]
pub(super) struct Dns(Arc<Inner>);

struct Inner {
    server: Option<SocketAddr>,
    resolver: OnceLock<Option<TokioResolver>>,
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dns({:?})", self.0.server)
    }
}

impl Dns {
    /// Over this server, or the system's.
    pub(super) fn new(server: Option<SocketAddr>) -> Self {
        Self(Arc::new(Inner {
            server,
            resolver: OnceLock::new(),
        }))
    }

    /// Whether the host's record says the proof.
    pub(super) async fn look(&self, host: &str, proof: &str) -> Finding {
        let Some(resolver) = self.resolver() else {
            return Finding::Unreachable;
        };
        // With the final dot no search list of the system is tried.
        match resolver
            .lookup(format!("{LABEL}.{host}."), RecordType::TXT)
            .await
        {
            Ok(found) => {
                let says_it = found.answers().iter().any(|record| match &record.data {
                    RData::TXT(text) => text.txt_data.concat() == proof.as_bytes(),
                    _ => false,
                });
                if says_it {
                    Finding::Proved
                } else {
                    Finding::Missing
                }
            }
            Err(error) if error.is_no_records_found() => Finding::Missing,
            Err(error) => {
                tracing::debug!(%error, "no answer from the DNS");
                Finding::Unreachable
            }
        }
    }

    /// The host's addresses; none when it has none, or nobody knows.
    pub(super) async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let Some(resolver) = self.resolver() else {
            return Vec::new();
        };
        let found = resolver.lookup_ip(format!("{host}.")).await;
        found.map_or_else(|_| Vec::new(), |found| found.iter().collect())
    }

    fn resolver(&self) -> Option<&TokioResolver> {
        self.0
            .resolver
            .get_or_init(|| {
                resolver(self.0.server)
                    .inspect_err(|error| tracing::error!(%error, "no DNS resolver"))
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
    options.timeout = PATIENCE;
    options.attempts = 1;
    // Whoever has just made the record asks again at once: that it was not there a moment ago must not be remembered.
    options.cache_size = 0;
    // This machine's own names are nobody's proof.
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}
