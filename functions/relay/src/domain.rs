//! What is decided about a delivery, without database or network.

pub(crate) mod backoff;
pub(crate) mod verdict;
