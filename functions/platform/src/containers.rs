//! Functions as containers on a server: what repeats the manifest in `infra/compose.yaml`, in the proxy's routes and in
//! what is measured is generated here, so that a new function needs no line in any of them.

pub mod compose;
pub mod proxy;
pub mod scrape;

/// Where every function listens inside its container.
const PORT: u16 = 8080;

/// Seconds for which an instance goes on answering when it was told to stop.
const LINGER: u16 = 3;
