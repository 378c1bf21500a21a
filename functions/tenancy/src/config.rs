//! The configuration of this function, and how it starts as a process of its own.

use std::net::SocketAddr;

use events::{Parts, StartError, Started};

use crate::{DomainVerifier, service_with};

web::settings! {
    /// Configuration of tenancy.
    pub struct Settings {
        /// The DNS server for domain verification, as address:port. Defaults to the system's.
        pub dns_server: Option<SocketAddr> = "REVALENZ_DNS_SERVER",
    }
}

/// The service with the configuration of its environment.
pub(crate) fn start(parts: Parts) -> Result<Started, StartError> {
    let settings = Settings::read(parts.environment.lookup())?;
    let domain_verifier = DomainVerifier::new(settings.dns_server);
    Ok(service_with(parts.db, parts.state, domain_verifier).into())
}
