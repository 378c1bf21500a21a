//! Generates the files for functions in containers on a server: `infra/compose.yaml`, the proxy's routes and the Prometheus
//! configuration. A new function needs no line in any of them.

pub mod compose;
pub mod proxy;
pub mod scrape;

/// Port that every function listens on inside its container.
const PORT: u16 = 8080;

/// Seconds for which an instance keeps answering after it was told to stop.
const LINGER: u16 = 3;
