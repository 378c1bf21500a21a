//! Delivers one event to one function, with a timeout and a circuit breaker.

mod breaker;

use std::{sync::Arc, time::Duration};

use events::Envelope;

use crate::{DeliveryOutcome, Transport};
use breaker::Breaker;

/// How long a transport may take; well within a lease.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);

/// A transport with a circuit breaker per function.
pub(crate) struct DeliveryClient<T> {
    transport: Arc<T>,
    breaker: Arc<Breaker>,
}

impl<T> Clone for DeliveryClient<T> {
    fn clone(&self) -> Self {
        Self {
            transport: self.transport.clone(),
            breaker: self.breaker.clone(),
        }
    }
}

impl<T: Transport> DeliveryClient<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport: Arc::new(transport),
            breaker: Arc::default(),
        }
    }

    /// Whether the whole bus may be down, and not only one function's queue: no delivery has succeeded since a target failed.
    pub(crate) fn is_bus_outage_suspected(&self) -> bool {
        T::IS_BUS && self.breaker.is_outage_suspected()
    }

    /// Whether that has lasted for enough attempts to open a breaker.
    pub(crate) fn is_bus_outage_confirmed(&self) -> bool {
        T::IS_BUS && self.breaker.is_outage_confirmed()
    }

    /// Delivers the event to a function, or hands it to the bus for that function.
    pub(crate) async fn deliver(
        &self,
        function: &str,
        event: &Envelope,
        attempt: i32,
    ) -> DeliveryOutcome {
        // A short-circuited delivery is not observed: the transport was not asked.
        if let Some(outcome) = self.breaker.short_circuit(function) {
            record_outcome::<T>(function, &outcome);
            return outcome;
        }
        let delivery = self.transport.deliver(function, event, attempt);
        let outcome = tokio::time::timeout(DELIVERY_TIMEOUT, delivery)
            .await
            .unwrap_or_else(|_elapsed| {
                DeliveryOutcome::Unreachable(format!("no response within {DELIVERY_TIMEOUT:?}"))
            });
        self.breaker.observe(function, &outcome);
        record_outcome::<T>(function, &outcome);
        outcome
    }
}

fn record_outcome<T: Transport>(function: &str, outcome: &DeliveryOutcome) {
    let name = match outcome {
        DeliveryOutcome::Delivered if T::IS_BUS => "events_handed_on_total",
        _ if T::IS_BUS => "events_kept_total",
        DeliveryOutcome::Delivered => "events_delivered_total",
        DeliveryOutcome::Unreachable(_) => "events_unreachable_total",
        DeliveryOutcome::Retry(_) => "events_retried_total",
        DeliveryOutcome::Poison(_) => "events_refused_total",
    };
    metrics::counter!(name, "function" => function.to_owned()).increment(1);
}
