//! Carries one event to one place: bounded in time, and not to a function that is known to be away.

mod breaker;

use std::{sync::Arc, time::Duration};

use events::Envelope;

use crate::{Delivery, Transport};
use breaker::Breaker;

/// How long a transport may take, whatever it promises: well within a lease.
const LIMIT: Duration = Duration::from_secs(15);

/// A transport, and what is known of those at its end.
pub(crate) struct Courier<T> {
    transport: Arc<T>,
    breaker: Arc<Breaker>,
}

impl<T> Clone for Courier<T> {
    fn clone(&self) -> Self {
        Self {
            transport: self.transport.clone(),
            breaker: self.breaker.clone(),
        }
    }
}

impl<T: Transport> Courier<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport: Arc::new(transport),
            breaker: Arc::default(),
        }
    }

    /// Whether it may be the bus that is away, and not only one function's place on it: nothing was handed on to anybody since.
    pub(crate) fn misses_its_bus(&self) -> bool {
        T::HANDS_ON && self.breaker.meets_nobody()
    }

    /// Whether that is so after enough tries to wait a little.
    pub(crate) fn lost_its_bus(&self) -> bool {
        T::HANDS_ON && self.breaker.waits_for_anybody()
    }

    /// Brings the event to a function, or to the bus for it.
    pub(crate) async fn bring(&self, function: &str, event: &Envelope, attempt: i32) -> Delivery {
        // What is foretold teaches nothing: nobody was asked.
        if let Some(foretold) = self.breaker.foretell(function) {
            count::<T>(function, &foretold);
            return foretold;
        }
        let delivery = self.transport.deliver(function, event, attempt);
        let delivery = tokio::time::timeout(LIMIT, delivery).await;
        let late = |_| Delivery::Unreachable(format!("no answer within {LIMIT:?}"));
        let delivery = delivery.unwrap_or_else(late);
        self.breaker.learn(function, &delivery);
        count::<T>(function, &delivery);
        delivery
    }
}

fn count<T: Transport>(function: &str, delivery: &Delivery) {
    let name = match delivery {
        Delivery::Delivered if T::HANDS_ON => "events_handed_on_total",
        _ if T::HANDS_ON => "events_kept_total",
        Delivery::Delivered => "events_delivered_total",
        Delivery::Unreachable(_) => "events_unreachable_total",
        Delivery::Retry(_) => "events_retried_total",
        Delivery::Poison(_) => "events_refused_total",
    };
    metrics::counter!(name, "function" => function.to_owned()).increment(1);
}
