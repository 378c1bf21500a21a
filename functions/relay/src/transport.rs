//! Transports to a function. Functions only speak HTTP: a transport sends the push envelope to `POST /internal/events`, or
//! publishes the event to a bus that does.

pub(crate) mod http;
pub(crate) mod in_process;
#[cfg(feature = "gcp")]
pub(crate) mod pubsub;
pub(crate) mod rabbit;
mod response;

use events::Envelope;

use crate::DeliveryOutcome;

/// Delivers events to functions.
pub trait Transport: Send + Sync + 'static {
    /// Whether it publishes to a bus. A delivered event is then not yet accepted by the function.
    const IS_BUS: bool = false;

    /// Delivers the event to a function. `attempt` counts from 1.
    fn deliver(
        &self,
        function: &str,
        event: &Envelope,
        attempt: i32,
    ) -> impl Future<Output = DeliveryOutcome> + Send;
}
