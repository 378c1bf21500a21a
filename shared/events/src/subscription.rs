//! Who listens to what.

use serde::{Deserialize, Serialize};

/// One consumer's interest, as the manifest lists it and the relay reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subscription {
    /// The function that the events are brought to.
    pub function: String,
    /// The consumer within it.
    pub consumer: String,
    /// The types of events that it listens to.
    pub types: Vec<String>,
}
