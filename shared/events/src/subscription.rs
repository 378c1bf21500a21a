//! Subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The subscription of a consumer, as listed in the manifest and read by the relay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subscription {
    /// The function that receives the events.
    pub function: String,
    /// The consumer within it.
    pub consumer: String,
    /// The subscribed event types.
    pub types: Vec<String>,
    /// The fields that it reads, by event type; `author.id` is a field of `author`.
    #[serde(skip)]
    pub fields: BTreeMap<String, BTreeSet<String>>,
}
