//! Ways to a function. Functions speak HTTP only, everywhere: a transport brings the push envelope to
//! `POST /internal/events`, or hands the event to a bus that does.

mod answer;
pub(crate) mod http;
pub(crate) mod in_process;
#[cfg(feature = "gcp")]
pub(crate) mod pubsub;
pub(crate) mod rabbit;

use events::Envelope;

use crate::Delivery;

/// A way to the functions.
pub trait Transport: Send + Sync + 'static {
    /// Whether it only hands on to a bus: taken is then not yet taken by the function.
    const HANDS_ON: bool = false;

    /// Brings the event to a function, and says how that went. `attempt` counts from 1.
    fn deliver(
        &self,
        function: &str,
        event: &Envelope,
        attempt: i32,
    ) -> impl Future<Output = Delivery> + Send;
}
