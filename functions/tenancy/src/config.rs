//! This function's settings, and how a process of its own starts with them.

use std::net::SocketAddr;

use access::{Gate, process::Made};
use db::Db;
use web::settings;

use crate::{Proofs, service_with};

web::settings! {
    /// Settings of tenancy.
    pub struct Settings {
        /// DNS server that is asked for the proofs of domains, as address:port. Without it the system's.
        pub dns_server: Option<SocketAddr> = "REVALENZ_DNS_SERVER",
    }
}

/// The service with the settings of this process.
pub fn start(db: Db, gate: Gate) -> Made {
    let settings = Settings::read(&settings::environment)?;
    let proofs = Proofs::new(settings.dns_server);
    Ok((service_with(db, gate, proofs), None))
}
