//! The configuration of this function, and how it starts as a process of its own.

use std::net::SocketAddr;

use access::{AppState, process::StartResult};
use db::Db;
use web::settings;

use crate::{DomainVerifier, service_with};

web::settings! {
    /// Configuration of tenancy.
    pub struct Settings {
        /// The DNS server for domain verification, as address:port. Defaults to the system's.
        pub dns_server: Option<SocketAddr> = "REVALENZ_DNS_SERVER",
    }
}

/// The service with the configuration of this process.
pub fn start(db: Db, state: AppState) -> StartResult {
    let settings = Settings::read(&settings::environment)?;
    let domain_verifier = DomainVerifier::new(settings.dns_server);
    Ok((service_with(db, state, domain_verifier), None))
}
